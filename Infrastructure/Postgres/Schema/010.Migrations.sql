-- Servers, migrations, and every attempt to move one from stage to stage.

CREATE TABLE server (
    id          uuid PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    host        text NOT NULL,
    port        integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    user_name   text NOT NULL,
    host_keys   jsonb NOT NULL,
    key_id      uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    -- What was last read from it, for pages; the truth is on the host.
    inventory   jsonb,
    inventory_at timestamptz,
    UNIQUE (host, port)
);

CREATE TABLE migration (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    old_server    uuid NOT NULL REFERENCES server (id),
    new_server    uuid NOT NULL REFERENCES server (id),
    spec          jsonb NOT NULL,
    slot          integer NOT NULL CHECK (slot > 0),
    mask          bigint NOT NULL,
    stage         text NOT NULL DEFAULT 'Preflight',
    old_facts     jsonb,
    new_facts     jsonb,
    -- SHA-256 of the configuration script stored on each host, 'none' when there is none: what a plan is made against.
    old_config    text NOT NULL DEFAULT 'none',
    new_config    text NOT NULL DEFAULT 'none',
    -- What each host looked like before anything was changed.
    old_snapshot  jsonb,
    new_snapshot  jsonb,
    -- What is known of the workload, to make it on the other server.
    workload      jsonb,
    checks        jsonb,
    checked_at    timestamptz,
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    stage_since   timestamptz NOT NULL DEFAULT now(),
    CHECK (old_server <> new_server)
);

CREATE UNIQUE INDEX migration_name ON migration (lower(name));
CREATE INDEX migration_created ON migration (created_at DESC, id);
CREATE INDEX migration_old ON migration (old_server);
CREATE INDEX migration_new ON migration (new_server);

CREATE TABLE stage_run (
    id              uuid PRIMARY KEY,
    migration_id    uuid NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    direction       text NOT NULL,
    from_stage      text NOT NULL,
    target          text NOT NULL,
    state           text NOT NULL,
    requested_by    text NOT NULL,
    requested_at    timestamptz NOT NULL DEFAULT now(),
    not_before      timestamptz,
    not_after       timestamptz,
    time_zone       text NOT NULL DEFAULT 'UTC',
    override_reason text,
    started_at      timestamptz,
    finished_at     timestamptz,
    error           text,
    node            text,
    cancel_requested boolean NOT NULL DEFAULT false,
    hold_ms         integer,
    CHECK (not_after IS NULL OR not_before IS NULL OR not_after > not_before)
);

-- Two operators pressing the same button: one run at a time, by the database's own word.
CREATE UNIQUE INDEX stage_run_one_running ON stage_run (migration_id) WHERE state = 'Running';
-- And the same stage is never planned twice for the same moment.
CREATE UNIQUE INDEX stage_run_one_planned ON stage_run (migration_id, direction, target) WHERE state = 'Planned';
CREATE INDEX stage_run_migration ON stage_run (migration_id, requested_at DESC);
CREATE INDEX stage_run_when ON stage_run (coalesce(not_before, requested_at) DESC);

CREATE TABLE run_step (
    run_id      uuid NOT NULL REFERENCES stage_run (id) ON DELETE CASCADE,
    number      integer NOT NULL,
    name        text NOT NULL,
    host        text,
    state       text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    duration_ms integer,
    exit_code   integer,
    output      text NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, number)
);
