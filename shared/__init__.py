"""What the API and the workers share: the domain. Knows neither Flask nor Celery.

Start at `shared/orders/__init__.py` for a feature's page, `shared/core/transaction.py` for how data is reached,
`shared/core/jobs.py` for how work leaves a request.
"""
