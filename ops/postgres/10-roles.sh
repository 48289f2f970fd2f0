#!/usr/bin/env bash
# Makes the installation's roles and database. The postgres image runs this once, when its volume is new; running it
# again (`docker compose exec postgres /docker-entrypoint-initdb.d/10-roles.sh`) only sets the passwords.
set -euo pipefail

# Passwords travel through the environment and psql's \getenv: a command line is readable by every process.
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password CREWLINE_OWNER_PASSWORD
\getenv app_password CREWLINE_APP_PASSWORD
\getenv database CREWLINE_DATABASE
\i /crewline/roles.sql
SQL
