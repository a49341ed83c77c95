//! What the attributes accept. That it compiles, and that clippy has nothing to say, is the test.

// Known by another name at the root of the crate, for `crate_renamed`.
extern crate cometd as bayeux;

mod conditional_items;
mod configure;
mod crate_path;
mod crate_renamed;
mod inside_macro_rules;
mod listener_arguments;
mod listener_channels;
mod listener_results;
mod names_of_users;
mod remote_calls;
mod service_shapes;
mod strict_lints;
mod subscriptions;

fn main() {}
