//! What only an operator of the cloud can do.

use romashka_domain::CorrelationId;
use romashka_store::queues::Envelope;
use serde::Serialize;
use serde_json::{Value, json};

use crate::sample::cloud;

/// Queues, objects and items, opened as an operator would.
pub struct Operator {
    runtime: tokio::runtime::Runtime,
    sqs: aws_sdk_sqs::Client,
    s3: aws_sdk_s3::Client,
    bucket: String,
    dynamodb: aws_sdk_dynamodb::Client,
    table: String,
}

impl Operator {
    /// An operator with every right.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let credentials = aws_sdk_sqs::config::Credentials::new("test", "test", None, None, "operator");
        let config = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new("us-east-1"))
            .endpoint_url(cloud().endpoint())
            .credentials_provider(aws_sdk_sqs::config::SharedCredentialsProvider::new(credentials))
            .build();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        Self {
            runtime,
            sqs: aws_sdk_sqs::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            bucket: cloud().output("BucketName").unwrap(),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            table: cloud().output("TableName").unwrap(),
        }
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

    /// The keys of a tenant's objects of one class, which may be gone by now.
    pub fn objects(&self, class: &str, tenant: &str) -> Vec<String> {
        let prefix = format!("{class}/{tenant}/");
        let listed = self.s3.list_objects_v2().bucket(&self.bucket).prefix(prefix).send();
        let listed = self.runtime.block_on(listed).unwrap();
        listed.contents().iter().filter_map(|object| object.key()).map(str::to_owned).collect()
    }

    /// What an object holds; `None` where it is gone.
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        let get = async {
            let object = self.s3.get_object().bucket(&self.bucket).key(key).send().await.ok()?;
            Some(object.body.collect().await.ok()?.to_vec())
        };
        self.runtime.block_on(get)
    }

    /// Puts other bytes into an object.
    pub fn overwrite(&self, key: &str, bytes: Vec<u8>) {
        let put = self.s3.put_object().bucket(&self.bucket).key(key).body(bytes.into()).send();
        self.runtime.block_on(put).unwrap();
    }

    /// Deletes an object.
    pub fn delete(&self, key: &str) {
        self.runtime.block_on(self.s3.delete_object().bucket(&self.bucket).key(key).send()).unwrap();
    }

    /// Puts an item of a tenant into the table.
    pub fn put(&self, tenant: &str, partition: &str, place: &str, mut item: Value) {
        item["pk"] = json!(format!("T#{tenant}#{partition}"));
        item["sk"] = json!(place);
        let put = self.dynamodb.put_item().table_name(&self.table).set_item(Some(serde_dynamo::to_item(item).unwrap()));
        self.runtime.block_on(put.send()).unwrap();
    }

    /// How many items a partition of a tenant has.
    pub fn items(&self, tenant: &str, partition: &str) -> i32 {
        let query = self.dynamodb.query().table_name(&self.table).select(aws_sdk_dynamodb::types::Select::Count);
        let pk = aws_sdk_dynamodb::types::AttributeValue::S(format!("T#{tenant}#{partition}"));
        let query = query.key_condition_expression("pk = :pk").expression_attribute_values(":pk", pk);
        self.runtime.block_on(query.send()).unwrap().count()
    }
}
