"""Catalog: what a company sells, and what it costs: services, add-ons, versioned price books, estimates."""
