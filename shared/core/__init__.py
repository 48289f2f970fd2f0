"""Ground floor: settings, transactions, tenancy, jobs, errors, identifiers, logging. Imports no feature."""
