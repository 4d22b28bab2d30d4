-- What resolvers said of a migration's names when they were last asked.
CREATE TABLE name_watch (
    migration_id uuid NOT NULL REFERENCES migration (id) ON DELETE CASCADE,
    name         text NOT NULL,
    resolver     text NOT NULL,
    said         text NOT NULL,
    ttl          integer,
    leads        boolean NOT NULL,
    since        timestamptz NOT NULL,
    old_ttl      integer,
    at           timestamptz NOT NULL,
    PRIMARY KEY (migration_id, name, resolver)
);
