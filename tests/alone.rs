//! Tests that need a process without the others: `no_allocation` brings an allocator of its own,
//! and `mutated_files` bounds the memory that the whole process has taken.

mod common {
    pub mod cases;
    pub mod split_mix;
}

mod mutated_files;
mod no_allocation;
