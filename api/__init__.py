"""HTTP in, JSON or a problem document out. No SQL, no provider SDK, no decisions: those are in `shared/`.

`app.py` lists the blueprints; `core/` holds what every route uses. A route reads: who may call (`@requires`), what
comes in, what goes out, then one transaction with one call into the domain.
"""
