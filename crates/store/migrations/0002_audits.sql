-- Audits by auditors from outside, and requests of data subjects.
CREATE TABLE engagement (
    id TEXT PRIMARY KEY,
    auditor TEXT NOT NULL,
    frameworks TEXT NOT NULL,
    systems TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    opened_by TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    private_at BIGINT,
    ended_at BIGINT,
    end_at BIGINT
);
CREATE INDEX engagement_auditor ON engagement (auditor);
CREATE TABLE evidence_request (
    id TEXT PRIMARY KEY,
    engagement TEXT NOT NULL,
    control TEXT,
    criterion TEXT,
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    private_at BIGINT,
    evidence TEXT NOT NULL,
    entries TEXT NOT NULL,
    pack TEXT,
    answered_by TEXT,
    answered_at BIGINT,
    answer_at BIGINT,
    judged_at BIGINT,
    judgement_at BIGINT
);
CREATE INDEX evidence_request_engagement ON evidence_request (engagement);
CREATE INDEX evidence_request_due ON evidence_request (state, due_at);
CREATE TABLE subject_request (
    id TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    due_at BIGINT,
    clock TEXT NOT NULL,
    opened_by TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    private_at BIGINT NOT NULL,
    identity_at BIGINT,
    extended_at BIGINT,
    outcome TEXT,
    closed_at BIGINT,
    close_at BIGINT
);
CREATE INDEX subject_request_subject ON subject_request (subject);
CREATE INDEX subject_request_due ON subject_request (closed_at, due_at);
CREATE TABLE subject_request_note (
    request TEXT NOT NULL,
    idx BIGINT NOT NULL,
    step TEXT NOT NULL,
    noted_by TEXT NOT NULL,
    noted_at BIGINT NOT NULL,
    PRIMARY KEY (request, idx)
);
CREATE TABLE affected_version (
    subject TEXT NOT NULL,
    version TEXT NOT NULL,
    decision TEXT NOT NULL,
    until_at BIGINT,
    decided_by TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    PRIMARY KEY (subject, version)
);
