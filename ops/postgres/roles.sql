-- Roles of one Crewline installation. Run once by a superuser; running it again changes nothing but the passwords.
--
--   psql -v owner_password=... -v app_password=... -v database=crewline -f ops/postgres/roles.sql
--
-- crewline_owner     owns the schema, runs migrations (MIGRATION_DATABASE_URL)
-- crewline_app       the login of API and workers (DATABASE_URL): no table right of its own. Each transaction
--                    picks one of the two group roles with SET LOCAL ROLE; forgetting it is "permission denied"
-- crewline_tenant    sees the rows of one organization (row-level security on app.org_id)
-- crewline_platform  sees every organization: login lookup, webhooks, sweeps
SELECT format('CREATE ROLE %I NOLOGIN', name)
  FROM unnest(ARRAY['crewline_tenant', 'crewline_platform']) AS name
 WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name)
\gexec
SELECT format('CREATE ROLE %I LOGIN', name)
  FROM unnest(ARRAY['crewline_owner', 'crewline_app']) AS name
 WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name)
\gexec
ALTER ROLE crewline_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'owner_password';
ALTER ROLE crewline_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOINHERIT PASSWORD :'app_password';
GRANT crewline_tenant, crewline_platform TO crewline_app;
SELECT format('CREATE DATABASE %I OWNER crewline_owner', :'database')
 WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = :'database')
\gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO crewline_app;
