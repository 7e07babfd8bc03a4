-- One SQL text for SQLite and PostgreSQL: TEXT, BIGINT, DOUBLE PRECISION and BOOLEAN only; ids, clocks and digests
-- come from the application; times are microseconds UTC; JSON is TEXT.
-- Classes (see src/tables/mod.rs): journal = the truth; evidence = what others said about it; state = rebuilt from the
-- journal; secret = keys and hashes; passing = work in progress that nobody relies on after a restart.

-- ---- journal -------------------------------------------------------------------------------------------------
CREATE TABLE log_head (
    id BIGINT PRIMARY KEY,
    origin TEXT NOT NULL,
    size BIGINT NOT NULL,
    root TEXT NOT NULL,
    frontier TEXT NOT NULL,
    recorded_at BIGINT NOT NULL
);
CREATE TABLE journal (
    idx BIGINT PRIMARY KEY,
    stream TEXT NOT NULL,
    stream_seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    entry TEXT NOT NULL,
    leaf_hash TEXT NOT NULL
);
CREATE UNIQUE INDEX journal_stream ON journal (stream, stream_seq);
CREATE INDEX journal_kind ON journal (kind, idx);
CREATE INDEX journal_actor ON journal (actor, idx);
CREATE TABLE payload (
    idx BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    key_id TEXT NOT NULL,
    ciphertext TEXT NOT NULL
);
CREATE INDEX payload_key ON payload (key_id);
CREATE TABLE tile_hash (
    level BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (level, idx)
);
CREATE TABLE checkpoint (
    size BIGINT PRIMARY KEY,
    root TEXT NOT NULL,
    frontier TEXT NOT NULL,
    note TEXT NOT NULL,
    signed_at BIGINT NOT NULL
);

-- ---- evidence ------------------------------------------------------------------------------------------------
CREATE TABLE cosignature (
    size BIGINT NOT NULL,
    witness TEXT NOT NULL,
    line TEXT NOT NULL,
    cosigned_at BIGINT NOT NULL,
    PRIMARY KEY (size, witness)
);
CREATE INDEX cosignature_witness ON cosignature (witness, size);
CREATE TABLE timestamp_token (
    size BIGINT PRIMARY KEY,
    authority TEXT NOT NULL,
    token TEXT NOT NULL,
    stamped_at BIGINT NOT NULL
);

-- ---- secret --------------------------------------------------------------------------------------------------
CREATE TABLE data_key (
    key_id TEXT PRIMARY KEY,
    subject TEXT,
    wrapped TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX data_key_subject ON data_key (subject);
CREATE TABLE credential_secret (
    credential TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    seal TEXT NOT NULL
);
CREATE TABLE factor_secret (
    factor TEXT PRIMARY KEY,
    sealed TEXT NOT NULL,
    counter BIGINT NOT NULL,
    seal TEXT NOT NULL
);
CREATE TABLE identity (
    lookup TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    issuer TEXT,
    seal TEXT NOT NULL
);
CREATE INDEX identity_principal ON identity (principal);

-- ---- passing -------------------------------------------------------------------------------------------------
CREATE TABLE prediction_batch (
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    records TEXT NOT NULL,
    batch TEXT NOT NULL,
    digest TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    sealed_at BIGINT NOT NULL,
    PRIMARY KEY (version, environment, records, batch)
);
CREATE TABLE labels_unread (
    block TEXT PRIMARY KEY
);
CREATE TABLE labelled_day (
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    day BIGINT NOT NULL,
    through BIGINT NOT NULL,
    PRIMARY KEY (version, environment, day)
);
CREATE TABLE block_summary (
    block TEXT NOT NULL,
    name TEXT NOT NULL,
    labels BIGINT NOT NULL,
    upload TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (block, name)
);
CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    idem_key TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    response TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (principal, idem_key)
);
CREATE TABLE workload_seen (
    digest TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE TABLE factor_attempt (
    principal TEXT PRIMARY KEY,
    attempts BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
CREATE TABLE factor_begun (
    name TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    purpose TEXT NOT NULL,
    sealed TEXT,
    expires_at BIGINT NOT NULL
);
CREATE TABLE session_seen (
    session TEXT PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
CREATE TABLE upload (
    id TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    part_bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    completed BOOLEAN NOT NULL
);
CREATE TABLE upload_part (
    upload TEXT NOT NULL,
    part BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (upload, part)
);
CREATE TABLE unswept (
    upload TEXT PRIMARY KEY,
    purged_at BIGINT NOT NULL
);
CREATE TABLE delivery (
    channel TEXT PRIMARY KEY,
    next_idx BIGINT NOT NULL,
    holder TEXT NOT NULL,
    held_until BIGINT NOT NULL,
    failing_since BIGINT
);

-- ---- state ---------------------------------------------------------------------------------------------------
CREATE TABLE stream_head (
    stream TEXT PRIMARY KEY,
    count BIGINT NOT NULL,
    last_idx BIGINT NOT NULL
);
CREATE TABLE journal_subject (
    subject TEXT NOT NULL,
    idx BIGINT NOT NULL,
    PRIMARY KEY (subject, idx)
);
CREATE TABLE org (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE principal (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    slug TEXT UNIQUE,
    status TEXT NOT NULL,
    private_at BIGINT,
    added_at BIGINT NOT NULL
);
CREATE TABLE role_grant (
    principal TEXT NOT NULL,
    role TEXT NOT NULL,
    system TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (principal, role, system)
);
CREATE TABLE team (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);
CREATE TABLE team_member (
    team TEXT NOT NULL,
    principal TEXT NOT NULL,
    PRIMARY KEY (team, principal)
);
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    environment TEXT,
    label TEXT NOT NULL,
    origin TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX token_principal ON token (principal);
CREATE TABLE invitation (
    id TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX invitation_principal ON invitation (principal);
CREATE TABLE workload_trust (
    id TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    issuer TEXT NOT NULL,
    environment TEXT,
    private_at BIGINT,
    trusted_at BIGINT NOT NULL,
    distrusted_at BIGINT
);
CREATE INDEX workload_trust_issuer ON workload_trust (issuer);
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    method TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at BIGINT
);
CREATE INDEX session_principal ON session (principal);
CREATE TABLE vendor (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    private_at BIGINT,
    registered_at BIGINT NOT NULL
);
CREATE TABLE system (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    owner_team TEXT NOT NULL,
    vendor TEXT,
    risk_tier TEXT,
    basis TEXT,
    classified_in BIGINT,
    private_at BIGINT,
    registered_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE TABLE system_link (
    system TEXT NOT NULL,
    relation TEXT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (system, relation, target)
);
CREATE TABLE tag (
    subject TEXT NOT NULL,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    PRIMARY KEY (subject, tag_key)
);
CREATE INDEX tag_pair ON tag (tag_key, tag_value);
CREATE TABLE dataset (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    owner_team TEXT NOT NULL,
    private_at BIGINT,
    registered_at BIGINT NOT NULL
);
CREATE TABLE dataset_version (
    id TEXT PRIMARY KEY,
    dataset TEXT NOT NULL,
    label TEXT NOT NULL,
    files TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    licence TEXT NOT NULL,
    collection TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    personal_data TEXT NOT NULL,
    retention_days BIGINT,
    record_digest TEXT NOT NULL,
    private_at BIGINT,
    registered_at BIGINT NOT NULL,
    UNIQUE (dataset, label)
);
CREATE TABLE dataset_parent (
    child TEXT NOT NULL,
    parent TEXT NOT NULL,
    PRIMARY KEY (child, parent)
);
CREATE INDEX dataset_parent_parent ON dataset_parent (parent);
CREATE TABLE artifact (
    digest TEXT PRIMARY KEY,
    bytes BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    upload TEXT NOT NULL,
    parts BIGINT NOT NULL,
    stored_at BIGINT NOT NULL,
    purged_at BIGINT
);
CREATE TABLE model (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    slug TEXT NOT NULL,
    registered_at BIGINT NOT NULL,
    UNIQUE (system, slug)
);
CREATE TABLE version (
    id TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    label TEXT NOT NULL,
    facts TEXT NOT NULL,
    registered_by TEXT NOT NULL,
    private_at BIGINT,
    registered_at BIGINT NOT NULL,
    UNIQUE (model, label)
);
CREATE TABLE version_artifact (
    version TEXT NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (version, name)
);
CREATE INDEX version_artifact_digest ON version_artifact (digest);
CREATE TABLE version_dataset (
    version TEXT NOT NULL,
    dataset_version TEXT NOT NULL,
    purpose TEXT NOT NULL,
    PRIMARY KEY (version, dataset_version, purpose)
);
CREATE INDEX version_dataset_dataset ON version_dataset (dataset_version);
CREATE TABLE version_note (
    version TEXT NOT NULL,
    private_at BIGINT NOT NULL,
    PRIMARY KEY (version, private_at)
);
CREATE TABLE decision (
    id TEXT PRIMARY KEY,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    environment TEXT,
    outcome TEXT NOT NULL,
    bundle TEXT NOT NULL,
    actor TEXT NOT NULL,
    idx BIGINT NOT NULL,
    decided_at BIGINT NOT NULL
);
CREATE INDEX decision_resource ON decision (resource, idx);
CREATE TABLE approval (
    id TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    artifacts TEXT NOT NULL,
    bundle TEXT NOT NULL,
    plan TEXT NOT NULL,
    evidence TEXT NOT NULL,
    tier TEXT,
    fired TEXT NOT NULL,
    nonce TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    denied BOOLEAN NOT NULL,
    private_at BIGINT
);
CREATE INDEX approval_version ON approval (version, environment);
CREATE TABLE vote (
    approval TEXT NOT NULL,
    voter TEXT NOT NULL,
    vote TEXT NOT NULL,
    decision TEXT NOT NULL,
    in_stead_of TEXT,
    delegation TEXT,
    voted_at BIGINT NOT NULL,
    private_at BIGINT,
    PRIMARY KEY (approval, voter)
);
CREATE TABLE factor (
    id TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    credential TEXT,
    enrolled_at BIGINT NOT NULL,
    removed_at BIGINT
);
CREATE INDEX factor_principal ON factor (principal);
CREATE TABLE delegation (
    id TEXT PRIMARY KEY,
    delegator TEXT NOT NULL,
    delegate TEXT NOT NULL,
    system TEXT,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    private_at BIGINT
);
CREATE INDEX delegation_delegator ON delegation (delegator, delegate);
CREATE TABLE deployment (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    artifacts TEXT NOT NULL,
    approval TEXT,
    decision TEXT NOT NULL,
    replaces TEXT,
    drill TEXT,
    actor TEXT NOT NULL,
    live_from BIGINT NOT NULL,
    live_until BIGINT,
    private_at BIGINT,
    idx BIGINT NOT NULL
);
CREATE INDEX deployment_live ON deployment (system, environment, live_from);
CREATE INDEX deployment_version ON deployment (version, environment);
CREATE INDEX deployment_model ON deployment (model, environment, live_until);
CREATE TABLE drill (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    environment TEXT NOT NULL,
    from_deployment TEXT NOT NULL,
    to_deployment TEXT NOT NULL,
    restored TEXT NOT NULL,
    verified_artifacts BIGINT NOT NULL,
    millis BIGINT NOT NULL,
    drilled_at BIGINT NOT NULL
);
CREATE TABLE runtime (
    system TEXT NOT NULL,
    environment TEXT NOT NULL,
    instance TEXT NOT NULL,
    loaded TEXT NOT NULL,
    expected TEXT,
    matches BOOLEAN NOT NULL,
    reported_at BIGINT NOT NULL,
    PRIMARY KEY (system, environment, instance)
);
CREATE TABLE prediction_block (
    id TEXT PRIMARY KEY,
    records TEXT NOT NULL,
    system TEXT NOT NULL,
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    day BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    root TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    filter_bytes BIGINT NOT NULL,
    file TEXT NOT NULL,
    place BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    sealed_at BIGINT NOT NULL
);
CREATE INDEX prediction_block_day ON prediction_block (version, environment, records, day);
CREATE INDEX prediction_block_idx ON prediction_block (idx);
CREATE INDEX prediction_block_system ON prediction_block (system, records, idx);
CREATE TABLE baseline (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    version TEXT NOT NULL,
    profile TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    column_count BIGINT NOT NULL,
    watch_ppm BIGINT NOT NULL,
    investigate_ppm BIGINT NOT NULL,
    rollback_ppm BIGINT NOT NULL,
    source TEXT NOT NULL,
    seasons TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    idx BIGINT NOT NULL
);
CREATE INDEX baseline_version ON baseline (version, idx);
CREATE TABLE drift_window (
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    day BIGINT NOT NULL,
    system TEXT NOT NULL,
    baseline TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    labelled BIGINT NOT NULL,
    coefficient_ppm BIGINT,
    band TEXT,
    pillar TEXT,
    through BIGINT NOT NULL,
    labels_through BIGINT NOT NULL,
    operation TEXT,
    access TEXT,
    season TEXT,
    private_at BIGINT,
    judged_at BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    PRIMARY KEY (version, environment, day)
);
CREATE INDEX drift_window_system ON drift_window (system, idx);
CREATE TABLE monitor (
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    system TEXT NOT NULL,
    rules TEXT NOT NULL,
    watch_ppm BIGINT NOT NULL,
    investigate_ppm BIGINT NOT NULL,
    rollback_ppm BIGINT NOT NULL,
    breaches BIGINT NOT NULL,
    windows BIGINT NOT NULL,
    clear_ppm BIGINT NOT NULL,
    set_at BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    PRIMARY KEY (version, environment)
);
CREATE TABLE drift_alarm (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    topic TEXT NOT NULL,
    day BIGINT NOT NULL,
    since BIGINT NOT NULL,
    band TEXT NOT NULL,
    pillar TEXT,
    coefficient_ppm BIGINT,
    playbook TEXT NOT NULL,
    raised_at BIGINT NOT NULL,
    acknowledged_by TEXT,
    acknowledged_at BIGINT,
    snoozed_by TEXT,
    snoozed_until BIGINT,
    reason_at BIGINT,
    proposed BIGINT NOT NULL,
    proposed_to TEXT,
    cleared_at BIGINT,
    idx BIGINT NOT NULL
);
CREATE INDEX drift_alarm_version ON drift_alarm (version, environment, topic, cleared_at);
CREATE INDEX drift_alarm_system ON drift_alarm (system, idx);
CREATE TABLE fairness_monitor (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    version TEXT NOT NULL,
    alpha_ppm BIGINT NOT NULL,
    decision TEXT NOT NULL,
    set_by TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    idx BIGINT NOT NULL
);
CREATE INDEX fairness_monitor_version ON fairness_monitor (version, idx);
CREATE TABLE fairness_window (
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    day BIGINT NOT NULL,
    system TEXT NOT NULL,
    monitor TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    labelled BIGINT NOT NULL,
    state TEXT NOT NULL,
    p_ppm BIGINT NOT NULL,
    through BIGINT NOT NULL,
    labels_through BIGINT NOT NULL,
    judged_at BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    PRIMARY KEY (version, environment, day)
);
CREATE INDEX fairness_window_monitor ON fairness_window (monitor, environment, idx);
CREATE TABLE data_subject (
    id TEXT PRIMARY KEY,
    private_at BIGINT,
    registered_at BIGINT NOT NULL
);
CREATE TABLE subject_dataset (
    subject TEXT NOT NULL,
    dataset_version TEXT NOT NULL,
    PRIMARY KEY (subject, dataset_version)
);
CREATE TABLE erasure (
    subject TEXT PRIMARY KEY,
    basis TEXT NOT NULL,
    payloads BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    erased_at BIGINT NOT NULL
);
CREATE TABLE log_key (
    from_size BIGINT PRIMARY KEY,
    vkey TEXT NOT NULL
);
CREATE TABLE evidence (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    system TEXT NOT NULL,
    version TEXT,
    subject TEXT,
    document TEXT,
    observed_at BIGINT NOT NULL,
    passed BOOLEAN NOT NULL,
    measures TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    withdrawn_at BIGINT,
    private_at BIGINT,
    purged_at BIGINT
);
CREATE INDEX evidence_system ON evidence (system, kind, observed_at);
CREATE INDEX evidence_document ON evidence (document);
CREATE TABLE hold (
    id TEXT PRIMARY KEY,
    system TEXT,
    version TEXT,
    owner TEXT NOT NULL,
    placed_by TEXT NOT NULL,
    placed_at BIGINT NOT NULL,
    released_by TEXT,
    released_at BIGINT,
    private_at BIGINT
);
CREATE TABLE bundle (
    digest TEXT PRIMARY KEY,
    private_at BIGINT NOT NULL,
    known_at BIGINT NOT NULL
);
CREATE TABLE proposal (
    id TEXT PRIMARY KEY,
    bundle TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    tests_passed BOOLEAN NOT NULL,
    against TEXT,
    verdict TEXT,
    invariants_violated BIGINT NOT NULL,
    invariants_unproven BIGINT NOT NULL,
    rules_may_err BIGINT NOT NULL,
    rules_unproven BIGINT NOT NULL,
    report_at BIGINT,
    refused BOOLEAN NOT NULL,
    activated_at BIGINT,
    private_at BIGINT
);
CREATE TABLE proposal_vote (
    proposal TEXT NOT NULL,
    voter TEXT NOT NULL,
    vote TEXT NOT NULL,
    voted_at BIGINT NOT NULL,
    private_at BIGINT,
    PRIMARY KEY (proposal, voter)
);
CREATE TABLE activation (
    idx BIGINT PRIMARY KEY,
    bundle TEXT NOT NULL,
    previous TEXT NOT NULL,
    proposal TEXT NOT NULL,
    actor TEXT NOT NULL,
    activated_at BIGINT NOT NULL
);
CREATE TABLE shadow (
    idx BIGINT PRIMARY KEY,
    proposal TEXT NOT NULL,
    bundle TEXT NOT NULL,
    started_by TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_because TEXT,
    decided BIGINT NOT NULL,
    same BIGINT NOT NULL,
    stricter BIGINT NOT NULL,
    looser BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    unrecorded BIGINT NOT NULL
);
CREATE INDEX shadow_proposal ON shadow (proposal, idx);
CREATE TABLE shadow_difference (
    idx BIGINT PRIMARY KEY,
    proposal TEXT NOT NULL,
    decision TEXT,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    environment TEXT,
    outcome TEXT NOT NULL,
    rules TEXT NOT NULL,
    shadow_outcome TEXT NOT NULL,
    shadow_rules TEXT NOT NULL,
    differed_at BIGINT NOT NULL
);
CREATE INDEX shadow_difference_proposal ON shadow_difference (proposal, idx);
CREATE TABLE waiver (
    id TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    owner TEXT NOT NULL,
    ticket TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    decided_by TEXT,
    decided_at BIGINT,
    private_at BIGINT
);
CREATE INDEX waiver_version ON waiver (version, environment);
CREATE TABLE emergency (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    version TEXT NOT NULL,
    environment TEXT NOT NULL,
    ticket TEXT NOT NULL,
    opened_by TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    confirmed_by TEXT,
    confirmed_at BIGINT,
    review_due_at BIGINT,
    deployment TEXT,
    used_by TEXT,
    reviewed_by TEXT,
    reviewed_at BIGINT,
    verdict TEXT,
    private_at BIGINT
);
CREATE INDEX emergency_system ON emergency (system, review_due_at);
CREATE TABLE incident (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    cause TEXT NOT NULL,
    subject TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT
);
CREATE TABLE remediation (
    id TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    version TEXT NOT NULL,
    cause TEXT NOT NULL,
    evidence TEXT,
    opened_by TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    owner TEXT,
    due_at BIGINT,
    planned_at BIGINT,
    plan_at BIGINT,
    ended TEXT,
    retest TEXT,
    closed_by TEXT,
    closed_at BIGINT,
    close_at BIGINT,
    private_at BIGINT
);
CREATE INDEX remediation_system ON remediation (system, closed_at);
CREATE TABLE reminder (
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    system TEXT,
    raised_at BIGINT NOT NULL,
    PRIMARY KEY (subject, kind)
);
CREATE TABLE operation (
    deployment TEXT PRIMARY KEY,
    system TEXT NOT NULL,
    decision TEXT NOT NULL,
    outcome TEXT NOT NULL,
    since BIGINT NOT NULL,
    asks_for TEXT,
    lapses_at BIGINT,
    decided_at BIGINT NOT NULL
);
