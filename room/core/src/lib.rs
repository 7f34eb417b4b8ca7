//! Seats, ticks, deltas, resume and drain as one pure state machine.
