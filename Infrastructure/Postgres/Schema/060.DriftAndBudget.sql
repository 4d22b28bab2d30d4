-- What somebody else has changed of ours on a host, for as long as it is so; what a rehearsal measured.

CREATE TABLE drift (
    migration_id uuid NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    role         text NOT NULL,
    found        text NOT NULL,
    was          text NOT NULL,
    now          text NOT NULL,
    since        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (migration_id, role)
);

-- What the last rehearsal of the cutover measured.
CREATE TABLE cutover_budget (
    migration_id uuid PRIMARY KEY REFERENCES migration (id) ON DELETE CASCADE,
    budget       jsonb NOT NULL
);
