import type { Service } from "../service.ts";

export const sqs: Service = {
  name: "sqs",
  aliases: ["queue"],
  version: "2012-11-05",
  targetPrefix: "AmazonSQS",
  xmlNamespace: "http://queue.amazonaws.com/doc/2012-11-05/",
  protocols: ["awsJson1_0", "awsQuery"],
  schemas: () => import("@aws-sdk/client-sqs"),
  operations: {
    AddPermission: async () => (await import("./add-permission.ts")).addPermission,
    CancelMessageMoveTask: async () =>
      (await import("./cancel-message-move-task.ts")).cancelMessageMoveTask,
    ChangeMessageVisibility: async () =>
      (await import("./change-message-visibility.ts")).changeMessageVisibility,
    ChangeMessageVisibilityBatch: async () =>
      (await import("./change-message-visibility-batch.ts")).changeMessageVisibilityBatch,
    CreateQueue: async () => (await import("./create-queue.ts")).createQueue,
    DeleteMessage: async () => (await import("./delete-message.ts")).deleteMessage,
    DeleteMessageBatch: async () => (await import("./delete-message-batch.ts")).deleteMessageBatch,
    DeleteQueue: async () => (await import("./delete-queue.ts")).deleteQueue,
    GetQueueAttributes: async () => (await import("./get-queue-attributes.ts")).getQueueAttributes,
    GetQueueUrl: async () => (await import("./get-queue-url.ts")).getQueueUrl,
    ListDeadLetterSourceQueues: async () =>
      (await import("./list-dead-letter-source-queues.ts")).listDeadLetterSourceQueues,
    ListMessageMoveTasks: async () =>
      (await import("./list-message-move-tasks.ts")).listMessageMoveTasks,
    ListQueues: async () => (await import("./list-queues.ts")).listQueues,
    ListQueueTags: async () => (await import("./list-queue-tags.ts")).listQueueTags,
    PurgeQueue: async () => (await import("./purge-queue.ts")).purgeQueue,
    ReceiveMessage: async () => (await import("./receive-message.ts")).receiveMessage,
    RemovePermission: async () => (await import("./remove-permission.ts")).removePermission,
    SendMessage: async () => (await import("./send-message.ts")).sendMessage,
    SendMessageBatch: async () => (await import("./send-message-batch.ts")).sendMessageBatch,
    SetQueueAttributes: async () => (await import("./set-queue-attributes.ts")).setQueueAttributes,
    StartMessageMoveTask: async () =>
      (await import("./start-message-move-task.ts")).startMessageMoveTask,
    TagQueue: async () => (await import("./tag-queue.ts")).tagQueue,
    UntagQueue: async () => (await import("./untag-queue.ts")).untagQueue,
  },
};
