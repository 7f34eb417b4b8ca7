//! Matching, placing and seating as one pure state machine.
