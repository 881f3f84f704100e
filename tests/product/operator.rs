//! What only an operator of the cloud can do.

use romashka_domain::CorrelationId;
use romashka_store::queues::Envelope;
use serde::Serialize;

use crate::sample::cloud;

/// The queues, opened as an operator would.
pub struct Operator {
    runtime: tokio::runtime::Runtime,
    sqs: aws_sdk_sqs::Client,
}

impl Operator {
    /// An operator with every right.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let credentials = aws_sdk_sqs::config::Credentials::new("test", "test", None, None, "operator");
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new("us-east-1"))
            .endpoint_url(cloud().endpoint())
            .credentials_provider(credentials)
            .build();
        Self { runtime, sqs: aws_sdk_sqs::Client::from_conf(config) }
    }

    /// Sends any text to a queue, named by its output.
    pub fn send(&self, queue: &str, body: &str) {
        let url = cloud().output(queue).unwrap();
        self.runtime.block_on(self.sqs.send_message().queue_url(url).message_body(body).send()).unwrap();
    }

    /// Sends a task on behalf of a tenant.
    pub fn send_task<T: Serialize>(&self, queue: &str, tenant: &str, task: T) {
        let correlation_id: CorrelationId = "operator".parse().unwrap();
        let envelope = Envelope { tenant: tenant.parse().unwrap(), correlation_id, task };
        self.send(queue, &serde_json::to_string(&envelope).unwrap());
    }

    /// How many messages rest in a queue.
    pub fn count(&self, queue: &str) -> u32 {
        let url = cloud().output(queue).unwrap();
        let name = aws_sdk_sqs::types::QueueAttributeName::ApproximateNumberOfMessages;
        let asked = self.sqs.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send();
        let answer = self.runtime.block_on(asked).unwrap();
        answer.attributes().unwrap()[&name].parse().unwrap()
    }
}
