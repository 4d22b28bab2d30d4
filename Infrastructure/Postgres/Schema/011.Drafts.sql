-- A migration somebody has begun to describe: one a user, so that a closed browser loses nothing.

CREATE TABLE migration_draft (
    user_id    uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    step       text NOT NULL,
    input      jsonb NOT NULL,
    updated_at timestamptz NOT NULL
);
