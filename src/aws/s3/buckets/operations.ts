import type { Operations } from "../../call.ts";

/** Operations on buckets, each loaded when it is first asked for. */
export const bucketOperations: Operations = {
  CreateBucket: async () => (await import("./create-bucket.ts")).createBucket,
  DeleteBucketCors: async () => (await import("./delete-bucket-cors.ts")).deleteBucketCors,
  DeleteBucketEncryption: async () =>
    (await import("./delete-bucket-encryption.ts")).deleteBucketEncryption,
  DeleteBucketInventoryConfiguration: async () =>
    (await import("./delete-bucket-inventory-configuration.ts")).deleteBucketInventoryConfiguration,
  DeleteBucketLifecycle: async () =>
    (await import("./delete-bucket-lifecycle.ts")).deleteBucketLifecycle,
  DeleteBucketOwnershipControls: async () =>
    (await import("./delete-bucket-ownership-controls.ts")).deleteBucketOwnershipControls,
  DeleteBucketPolicy: async () => (await import("./delete-bucket-policy.ts")).deleteBucketPolicy,
  DeleteBucketAnalyticsConfiguration: async () =>
    (await import("./delete-bucket-analytics-configuration.ts")).deleteBucketAnalyticsConfiguration,
  DeleteBucketMetricsConfiguration: async () =>
    (await import("./delete-bucket-metrics-configuration.ts")).deleteBucketMetricsConfiguration,
  DeleteBucketIntelligentTieringConfiguration: async () =>
    (await import("./delete-bucket-intelligent-tiering-configuration.ts"))
      .deleteBucketIntelligentTieringConfiguration,
  DeleteBucketTagging: async () => (await import("./delete-bucket-tagging.ts")).deleteBucketTagging,
  DeleteBucketWebsite: async () => (await import("./delete-bucket-website.ts")).deleteBucketWebsite,
  DeleteBucket: async () => (await import("./delete-bucket.ts")).deleteBucket,
  DeletePublicAccessBlock: async () =>
    (await import("./delete-public-access-block.ts")).deletePublicAccessBlock,
  GetBucketAccelerateConfiguration: async () =>
    (await import("./get-bucket-accelerate-configuration.ts")).getBucketAccelerateConfiguration,
  GetBucketAcl: async () => (await import("./get-bucket-acl.ts")).getBucketAcl,
  GetBucketAnalyticsConfiguration: async () =>
    (await import("./get-bucket-analytics-configuration.ts")).getBucketAnalyticsConfiguration,
  GetBucketCors: async () => (await import("./get-bucket-cors.ts")).getBucketCors,
  GetBucketEncryption: async () => (await import("./get-bucket-encryption.ts")).getBucketEncryption,
  GetBucketIntelligentTieringConfiguration: async () =>
    (await import("./get-bucket-intelligent-tiering-configuration.ts"))
      .getBucketIntelligentTieringConfiguration,
  GetBucketInventoryConfiguration: async () =>
    (await import("./get-bucket-inventory-configuration.ts")).getBucketInventoryConfiguration,
  GetBucketLifecycleConfiguration: async () =>
    (await import("./get-bucket-lifecycle-configuration.ts")).getBucketLifecycleConfiguration,
  GetBucketLocation: async () => (await import("./get-bucket-location.ts")).getBucketLocation,
  GetBucketLogging: async () => (await import("./get-bucket-logging.ts")).getBucketLogging,
  GetBucketMetricsConfiguration: async () =>
    (await import("./get-bucket-metrics-configuration.ts")).getBucketMetricsConfiguration,
  GetBucketNotificationConfiguration: async () =>
    (await import("./get-bucket-notification-configuration.ts")).getBucketNotificationConfiguration,
  GetBucketOwnershipControls: async () =>
    (await import("./get-bucket-ownership-controls.ts")).getBucketOwnershipControls,
  GetBucketPolicyStatus: async () =>
    (await import("./get-bucket-policy-status.ts")).getBucketPolicyStatus,
  GetBucketPolicy: async () => (await import("./get-bucket-policy.ts")).getBucketPolicy,
  DeleteBucketReplication: async () =>
    (await import("./delete-bucket-replication.ts")).deleteBucketReplication,
  GetBucketReplication: async () =>
    (await import("./get-bucket-replication.ts")).getBucketReplication,
  GetBucketRequestPayment: async () =>
    (await import("./get-bucket-request-payment.ts")).getBucketRequestPayment,
  GetBucketTagging: async () => (await import("./get-bucket-tagging.ts")).getBucketTagging,
  GetBucketVersioning: async () => (await import("./get-bucket-versioning.ts")).getBucketVersioning,
  GetBucketWebsite: async () => (await import("./get-bucket-website.ts")).getBucketWebsite,
  GetObjectLockConfiguration: async () =>
    (await import("./get-object-lock-configuration.ts")).getObjectLockConfiguration,
  GetPublicAccessBlock: async () =>
    (await import("./get-public-access-block.ts")).getPublicAccessBlock,
  HeadBucket: async () => (await import("./head-bucket.ts")).headBucket,
  ListBucketAnalyticsConfigurations: async () =>
    (await import("./list-bucket-analytics-configurations.ts")).listBucketAnalyticsConfigurations,
  ListBucketIntelligentTieringConfigurations: async () =>
    (await import("./list-bucket-intelligent-tiering-configurations.ts"))
      .listBucketIntelligentTieringConfigurations,
  ListBucketInventoryConfigurations: async () =>
    (await import("./list-bucket-inventory-configurations.ts")).listBucketInventoryConfigurations,
  ListBucketMetricsConfigurations: async () =>
    (await import("./list-bucket-metrics-configurations.ts")).listBucketMetricsConfigurations,
  ListBuckets: async () => (await import("./list-buckets.ts")).listBuckets,
  PutBucketAcl: async () => (await import("./put-bucket-acl.ts")).putBucketAcl,
  PutBucketCors: async () => (await import("./put-bucket-cors.ts")).putBucketCors,
  PutBucketEncryption: async () => (await import("./put-bucket-encryption.ts")).putBucketEncryption,
  PutBucketInventoryConfiguration: async () =>
    (await import("./put-bucket-inventory-configuration.ts")).putBucketInventoryConfiguration,
  PutBucketLifecycleConfiguration: async () =>
    (await import("./put-bucket-lifecycle-configuration.ts")).putBucketLifecycleConfiguration,
  PutBucketLogging: async () => (await import("./put-bucket-logging.ts")).putBucketLogging,
  PutBucketNotificationConfiguration: async () =>
    (await import("./put-bucket-notification-configuration.ts")).putBucketNotificationConfiguration,
  PutBucketOwnershipControls: async () =>
    (await import("./put-bucket-ownership-controls.ts")).putBucketOwnershipControls,
  PutBucketPolicy: async () => (await import("./put-bucket-policy.ts")).putBucketPolicy,
  PutBucketRequestPayment: async () =>
    (await import("./put-bucket-request-payment.ts")).putBucketRequestPayment,
  PutBucketTagging: async () => (await import("./put-bucket-tagging.ts")).putBucketTagging,
  PutBucketVersioning: async () => (await import("./put-bucket-versioning.ts")).putBucketVersioning,
  PutBucketWebsite: async () => (await import("./put-bucket-website.ts")).putBucketWebsite,
  PutObjectLockConfiguration: async () =>
    (await import("./put-object-lock-configuration.ts")).putObjectLockConfiguration,
  PutPublicAccessBlock: async () =>
    (await import("./put-public-access-block.ts")).putPublicAccessBlock,
};
