-- Connections of migrations, counted on both hosts (DESIGN §7).

-- Which node counts on which host. Whoever holds the lease stores what it counts; all times are this database's.
CREATE TABLE sampler_lease (
    server     uuid PRIMARY KEY REFERENCES server (id) ON DELETE CASCADE,
    node       text NOT NULL,
    -- Another one each time it is taken: what a former holder still sends is refused.
    term       uuid NOT NULL,
    expires_at timestamptz NOT NULL
);

-- The last line of each host of a migration.
CREATE TABLE connection_reporter (
    migration       uuid NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    reporter        text NOT NULL CHECK (reporter IN ('Old', 'New')),
    at              timestamptz NOT NULL,
    -- The last line in which connections were listed.
    full_at         timestamptz,
    -- Since when no new connection can have been missed.
    watched_since   timestamptz NOT NULL,
    conntrack_count bigint NOT NULL,
    conntrack_max   bigint NOT NULL,
    clock_offset_ms bigint NOT NULL,
    cost_ms         bigint NOT NULL,
    next_full_ms    bigint NOT NULL,
    reader          text,
    error           text,
    -- {path: clients}
    clients         jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (migration, reporter)
);

-- Counters as they stood: what is new is the difference to them, whichever node counts next.
CREATE TABLE connection_counter (
    migration uuid NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    reporter  text NOT NULL,
    family    smallint NOT NULL CHECK (family IN (4, 6)),
    epoch     text NOT NULL,
    path      text NOT NULL,
    outside   bigint NOT NULL,
    link      bigint NOT NULL,
    held      bigint NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (migration, reporter, family)
);

-- A row for each path and family of a sample (port 0, with the new connections) and one for each port with connections.
CREATE TABLE connection_sample (
    migration   uuid NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    at          timestamptz NOT NULL,
    path        text NOT NULL CHECK (path IN ('Direct', 'Forwarded', 'Local', 'Tail')),
    family      smallint NOT NULL CHECK (family IN (4, 6)),
    transport   text NOT NULL CHECK (transport IN ('', 'tcp', 'udp')),
    port        integer NOT NULL CHECK (port BETWEEN 0 AND 65535),
    -- Null where connections were not listed.
    established bigint,
    other       bigint,
    -- Null for ports: counters count all ports of a path together.
    new         bigint,
    PRIMARY KEY (migration, at, path, family, transport, port)
);
-- The gate asks for nothing else, and in Drain there are few of them.
CREATE INDEX connection_sample_new ON connection_sample (migration, path, at) WHERE new > 0;
-- For forgetting: rows come in order of time.
CREATE INDEX connection_sample_at ON connection_sample USING brin (at);

-- The same by the minute, kept when samples are gone.
CREATE TABLE connection_minute (
    migration       uuid NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    at              timestamptz NOT NULL,
    path            text NOT NULL,
    family          smallint NOT NULL,
    transport       text NOT NULL,
    port            integer NOT NULL,
    established_max bigint,
    other_max       bigint,
    new             bigint,
    PRIMARY KEY (migration, at, path, family, transport, port)
);
CREATE INDEX connection_minute_new ON connection_minute (migration, path, at) WHERE new > 0;
CREATE INDEX connection_minute_at ON connection_minute USING brin (at);

-- Who came by which path.
CREATE TABLE straggler (
    migration   uuid NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    path        text NOT NULL CHECK (path IN ('Direct', 'Forwarded', 'Local', 'Tail')),
    client      inet NOT NULL,
    transport   text NOT NULL,
    port        integer NOT NULL,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL,
    -- At least so many: one that came and went between two lines is not seen.
    connections bigint NOT NULL,
    -- Established at last_seen; 0 once the client is gone.
    current     bigint NOT NULL,
    -- Entries in any state at last_seen, from whose growth connections are counted.
    entries     bigint NOT NULL,
    PRIMARY KEY (migration, path, client, transport, port)
);
CREATE INDEX straggler_last_seen ON straggler (migration, path, last_seen DESC);
CREATE INDEX straggler_present ON straggler (migration, path) WHERE entries > 0;
