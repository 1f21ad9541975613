"""Makes Grafana boards of dashboards/boards/*.yml, and asks a Prometheus what boards ask it."""
