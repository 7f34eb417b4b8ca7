//! What a game is: the trait that a platform team implements.
