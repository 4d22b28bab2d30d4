-- What everything else stands on: the record of what was done, and the keys the dashboard signs in with.

-- Append-only. Each entry carries the hash of the one before (Core/Audit/AuditChain.cs says how it is made).
CREATE TABLE audit_entry (
    sequence      bigint PRIMARY KEY CHECK (sequence > 0),
    at            timestamptz NOT NULL,
    actor         text NOT NULL,
    from_address  text,
    action        text NOT NULL,
    migration_id  uuid,
    host          text,
    command       text,
    exit_code     integer,
    duration_ms   bigint,
    outcome       text NOT NULL CHECK (outcome IN ('Ok', 'Failed', 'Refused')),
    detail        text NOT NULL DEFAULT '',
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash          bytea NOT NULL CHECK (octet_length(hash) = 32)
);

-- Pages of newest first, filtered by one of these, read one index backwards and stop.
CREATE INDEX audit_entry_at ON audit_entry (at, sequence);
CREATE INDEX audit_entry_host ON audit_entry (host, sequence) WHERE host IS NOT NULL;
CREATE INDEX audit_entry_migration ON audit_entry (migration_id, sequence) WHERE migration_id IS NOT NULL;
CREATE INDEX audit_entry_actor ON audit_entry (actor, sequence);
CREATE INDEX audit_entry_action ON audit_entry (action text_pattern_ops, sequence);
CREATE INDEX audit_entry_failures ON audit_entry (outcome, sequence) WHERE outcome <> 'Ok';

-- Text anywhere in an entry. Without the extension (it comes with Debian's server package) the search still works, by reading everything.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX audit_entry_text ON audit_entry USING gin ((action || ' ' || coalesce(command, '') || ' ' || detail) gin_trgm_ops);
EXCEPTION
    WHEN undefined_file OR insufficient_privilege OR feature_not_supported THEN
        RAISE NOTICE 'pg_trgm is not available: searching the audit log for text will be slow.';
END
$$;

-- The end of the chain: locked by whoever appends, so that the chain stays one line whichever node writes; and the proof that no entry is missing at its end.
CREATE TABLE audit_head (
    one_row  boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    sequence bigint NOT NULL,
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32)
);
INSERT INTO audit_head (sequence, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % of % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

CREATE FUNCTION audit_head_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.sequence <= OLD.sequence THEN
        RAISE EXCEPTION 'the audit log is append-only: its end cannot move back' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head FOR EACH ROW EXECUTE FUNCTION audit_head_moves_on();

-- Key pairs the dashboard signs in to servers with. The private half is encrypted by ASP.NET Data Protection, whose keys are not in this database.
CREATE TABLE ssh_key (
    id                    uuid PRIMARY KEY,
    name                  text NOT NULL,
    public_key            text NOT NULL,
    private_key_protected bytea NOT NULL,
    fingerprint           text NOT NULL UNIQUE,
    created_at            timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX ssh_key_name ON ssh_key (lower(name));
