# Hardening of optimised builds, in PGB_HARDENING and PGB_HARDENING_LINK; what of it only concerns
# the linker holds in every build. tests/checks/hardening.py looks for all of it.
set(PGB_HARDENING -fPIE -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE
                  -D_FORTIFY_SOURCE=2)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  list(APPEND PGB_HARDENING -fcf-protection=full)
endif()
set(PGB_HARDENING_LINK -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)

set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
add_compile_options("$<${optimised}:${PGB_HARDENING}>")
add_link_options("$<${optimised}:-pie>" ${PGB_HARDENING_LINK})
