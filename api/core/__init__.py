"""What every route uses: access, problems, schemas, pages, idempotency, uploads, the request log."""
