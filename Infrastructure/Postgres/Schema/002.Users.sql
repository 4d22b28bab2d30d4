-- People, their tokens, and what is needed to let them in.

create table users (
    id uuid primary key,
    name text not null,
    role text not null check (role in ('Viewer', 'Operator', 'Approver', 'Administrator')),
    password_hash text not null,
    -- Changes whenever every session of the user must end.
    stamp uuid not null,
    -- Encrypted by the application; null without a second factor.
    totp_secret bytea,
    -- The last time step whose code was used: a code works once.
    totp_last_step bigint not null default 0,
    disabled_at timestamptz,
    created_at timestamptz not null default now(),
    last_sign_in_at timestamptz
);
create unique index users_name on users (lower(name));

-- One-time codes for whoever lost the phone; SHA-256 of 80 random bits, deleted when used.
create table recovery_codes (
    user_id uuid not null references users (id) on delete cascade,
    hash bytea not null,
    primary key (user_id, hash)
);

-- SHA-256 of 256 random bits: a slow hash would add nothing.
create table api_tokens (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    name text not null,
    role text not null check (role in ('Viewer', 'Operator', 'Approver', 'Administrator')),
    hash bytea not null unique,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    last_used_at timestamptz
);
create index api_tokens_user on api_tokens (user_id);

-- Links that make the first administrator. All are void as soon as a user exists.
create table setup_links (
    hash bytea primary key,
    expires_at timestamptz not null
);

-- Every try to sign in, for the limits by address and by account. Kept for a day.
create table sign_in_attempts (
    id bigint generated always as identity primary key,
    account text not null,
    address inet not null,
    at timestamptz not null default now(),
    succeeded boolean not null default false
);
create index sign_in_attempts_account on sign_in_attempts (account, at);
create index sign_in_attempts_address on sign_in_attempts (address, at);
