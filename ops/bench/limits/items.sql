-- About as wide as an order's row is where it counts; 10,000 rows, like the list that is measured.
CREATE TABLE items (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    title text NOT NULL,
    state text NOT NULL,
    total bigint NOT NULL
);
INSERT INTO items (id, title, state, total)
SELECT gen_random_uuid(), 'Spring cleaning of house ' || n, 'pending', 12900 FROM generate_series(1, 10000) AS n;
ANALYZE items;
