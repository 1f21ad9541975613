// Families that are made in code, as code makes them of an example each: their names, types, labels
// and texts, for `pgbeacon metrics`.
#pragma once

#include "base/families.h"
#include "logparse/events/catalogue.h"

namespace pgbeacon::cli {

/// A server log with a record of every kind.
Families ExampleLog(const log::Catalogue& events);
/// The page of a server that is up, with one collector that failed and one that ran.
Families ExampleTarget();
/// Sources, listeners, state, subscribers, drains, and the exporter itself.
Families ExampleExporter();

}  // namespace pgbeacon::cli
