//! Messages to a chat's webhook: what a night came to, who changed its model and who failed, with the night's picture.
//!
//! A message is about one incident, and is sent once however often the incident is met again: what was sent is archived under
//! `messages/`. A webhook that fails, hangs or redirects is logged and fails nothing.

mod headline;
mod message;
mod messenger;
mod payload;
mod webhook;

pub use message::{Changed, Event, Failed, Message};
pub use messenger::Messenger;
pub use webhook::{Format, Webhook};
