//! The governance vocabulary: typed ids, entities, states and events.
