//! Both cores in one thread, on a false network, from one seed.
