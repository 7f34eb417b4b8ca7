//! Tic-tac-toe with event-sourced moves.
