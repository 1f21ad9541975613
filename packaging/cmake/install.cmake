# What `cmake --install` puts where, by component:
#   pgbeacon   the program
#   logparse   the log parser as a library with its CMake package: docs/examples/logparse uses it
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS pgbeacon RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT pgbeacon)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pgbeacon)
set_target_properties(pgb_base PROPERTIES EXPORT_NAME base)
set_target_properties(pgb_logparse PROPERTIES EXPORT_NAME logparse)
install(TARGETS pgb_logparse pgb_base EXPORT pgbeacon
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT logparse
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pgbeacon)
install(DIRECTORY base logparse DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pgbeacon COMPONENT logparse
        FILES_MATCHING PATTERN "*.h")
install(EXPORT pgbeacon NAMESPACE pgbeacon:: FILE pgbeaconTargets.cmake DESTINATION ${package_dir}
        COMPONENT logparse)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/pgbeaconConfig.cmake.in
  ${PROJECT_BINARY_DIR}/pgbeaconConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pgbeaconConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pgbeaconConfig.cmake ${PROJECT_BINARY_DIR}/pgbeaconConfigVersion.cmake
        DESTINATION ${package_dir} COMPONENT logparse)
