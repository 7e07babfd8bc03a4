-- The rules that fired when a running deployment was last decided about, so that another one is news.
ALTER TABLE operation ADD COLUMN rules TEXT NOT NULL DEFAULT '';
