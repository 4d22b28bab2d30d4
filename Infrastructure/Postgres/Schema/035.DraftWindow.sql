-- A draft may say already when the cutover is to be.
ALTER TABLE migration_draft ADD COLUMN cutover_window jsonb;
