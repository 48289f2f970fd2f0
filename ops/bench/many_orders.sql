-- Orders of many organizations, by statements over whole sets. For psql, as the superuser of a server that is thrown
-- away afterwards: foreign keys and triggers are not run, row-level security is passed by.
--
--   measured_org   the organization that is read, made before through the domain
--   measured       its orders: 500 in each week, the last eight weeks are to come; a tenth have no team
--   others         other organizations, with `orders_of_other` orders each, shuffled among them in the table
--
-- Identifiers are digests, so that every statement knows them; those of orders sort by time, as the application's do.
-- Only what is to come occupies time (and nothing of it is called off), so that a week of the board is 500 orders.
\set TEAMS 20
\set VISITS_A_DAY 5
SET session_replication_role = replica;
SET synchronous_commit = off;
SET work_mem = '64MB';
SET maintenance_work_mem = '256MB';

-- Indexes are built afterwards, in a fraction of the time; but what foreign keys need stays.
CREATE TEMP TABLE put_off AS
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS make
    FROM pg_constraint AS mine
    WHERE conrelid IN ('orders'::regclass, 'client_terms'::regclass) AND contype IN ('p', 'u', 'x')
        AND NOT EXISTS (SELECT FROM pg_constraint AS f WHERE f.contype = 'f' AND f.conindid = mine.conindid)
    UNION ALL
    SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
    FROM pg_index WHERE indrelid IN ('orders'::regclass, 'client_terms'::regclass)
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype IN ('p', 'u', 'x') AND conindid = indexrelid);
SELECT drop FROM put_off \gexec

CREATE TEMP TABLE company AS
    SELECT 0 AS org_no, :'measured_org'::uuid AS id, :measured AS orders, :TEAMS AS teams, :measured / 10 AS clients,
        8 AS weeks_ahead
    UNION ALL
    SELECT n, md5('org' || n)::uuid, :orders_of_other, 2, 1 + :orders_of_other / 10, 2
    FROM generate_series(1, :others) AS n;

INSERT INTO organizations (id, slug, name, timezone, currency, created_at)
    SELECT id, 'other-' || org_no, 'Other ' || org_no, 'America/Edmonton', 'cad', now() FROM company WHERE org_no > 0;

INSERT INTO teams (org_id, id, name, postal_prefixes, is_active, created_at, updated_at)
    SELECT c.id, md5('team' || org_no || '/' || n)::uuid, 'Team ' || n, '[]', true, now(), now()
    FROM company AS c, generate_series(0, c.teams - 1) AS n;

INSERT INTO workers (org_id, id, name, team_id, is_active, created_at, updated_at)
    SELECT t.org_id, md5('worker' || t.id || n)::uuid, 'Worker ' || n, t.id, true, now(), now()
    FROM teams AS t, generate_series(1, 2) AS n;

CREATE TEMP TABLE people AS
    SELECT c.id AS org_id, md5('client' || org_no || '/' || n)::uuid AS id, org_no, n,
        (ARRAY['anna', 'bo', 'carla', 'david', 'emma', 'fatima', 'george', 'hanna', 'ivan', 'julia', 'kim', 'li',
            'maria', 'noah', 'olga', 'peter', 'ravi', 'sofia', 'tom', 'wim'])[1 + n % 20] AS first,
        (ARRAY['berg', 'lund', 'smith', 'garcia', 'nguyen', 'patel', 'kowalski', 'rossi', 'dubois', 'tanaka', 'ivanov',
            'okafor', 'silva', 'jensen', 'meyer', 'novak', 'haddad'])[1 + n % 17] || n % 83 AS last,
        'c' || org_no || '.' || n || '@client.test' AS email,
        '1403' || lpad((5550000 + n)::text, 7, '0') AS digits
    FROM company AS c, generate_series(0, c.clients - 1) AS n;

INSERT INTO clients (org_id, id, name, email, phone, created_at)
    SELECT org_id, id, initcap(first || ' ' || last), email, '+' || digits, now() FROM people;

INSERT INTO client_terms (org_id, client_id, term)
    SELECT org_id, id, term FROM people, LATERAL (
        SELECT unnest(ARRAY[first, last, email, 'client.test', 'client']) AS term
        UNION SELECT substr(digits, at) FROM generate_series(1, 9) AS at) AS found;

CREATE TEMP TABLE drafts AS
    WITH planned AS (
        SELECT org_no, id AS org_id, teams, clients, k,
            (weeks_ahead + 1 - ceil(orders / (:VISITS_A_DAY * teams * 5.0))::int) + k / (:VISITS_A_DAY * teams * 5)
                AS week,
            k / (:VISITS_A_DAY * teams) % 5 AS weekday, k / teams % :VISITS_A_DAY AS visit, k % teams AS team_no,
            hashtext('client' || org_no || '/' || k) & 2147483647 AS dice
        FROM company, generate_series(0, orders - 1) AS k
    )
    SELECT *, (date_trunc('week', now() AT TIME ZONE 'America/Edmonton') + make_interval(weeks => week,
        days => weekday) + time '08:00' + visit * interval '1 hour 45 minutes') AT TIME ZONE 'America/Edmonton' AS start
    FROM planned
    ORDER BY hashtext(k || '/' || org_no);

INSERT INTO orders (org_id, id, number, client_id, state, title, address, notes, scheduled_start, scheduled_end,
    blocked_until, total_amount, paid_amount, currency, photo_consent, version, created_at, updated_at, team_id,
    lines, started_at, ended_at)
SELECT org_id,
    (lpad(to_hex((extract(epoch FROM created) * 1000)::bigint), 12, '0')
        || substr(md5('order' || org_no || '/' || k), 13))::uuid,
    1001 + k, md5('client' || org_no || '/' || dice % clients)::uuid,
    state, 'Home cleaning', dice % 900 || ' Elm Street, Calgary', '', start, start + length, start + length + pause,
    9900 + dice % 300 * 50, CASE state WHEN 'completed' THEN 9900 + dice % 300 * 50 ELSE 0 END, 'cad', dice % 2 = 0, 3,
    created, CASE WHEN state IN ('pending', 'confirmed') THEN created ELSE start + length END,
    CASE WHEN dice % 10 = 0 THEN NULL ELSE md5('team' || org_no || '/' || team_no)::uuid END,
    '[{"name": "Home cleaning", "amount": 9900, "quantity": "1"}, {"name": "3 bedrooms", "amount": 5000}]',
    CASE WHEN state = 'completed' THEN start END, CASE WHEN state = 'completed' THEN start + length END
FROM (
    SELECT *, interval '75 minutes' AS length, interval '30 minutes' AS pause,
        least(start - make_interval(hours => 24 + dice % 300), now() - make_interval(mins => dice % 4000)) AS created,
        CASE WHEN start > now() THEN CASE dice % 4 WHEN 0 THEN 'pending' ELSE 'confirmed' END
            WHEN dice % 20 < 17 THEN 'completed' WHEN dice % 20 < 19 THEN 'cancelled' ELSE 'no_show' END AS state
    FROM drafts
) AS ready;

SELECT make FROM put_off \gexec

INSERT INTO order_numbers (org_id, last_number) SELECT id, 1000 + orders FROM company;

INSERT INTO order_workers (org_id, order_id, worker_id, starts_at, blocked_until, occupies)
    SELECT org_id, o.id, md5('worker' || team_id || 1)::uuid, scheduled_start, blocked_until,
        state IN ('pending', 'confirmed')
    FROM orders AS o WHERE org_id = :'measured_org' AND team_id IS NOT NULL AND state <> 'cancelled';

VACUUM ANALYZE organizations, teams, workers, clients, client_terms, orders, order_workers, order_numbers;
CHECKPOINT;
