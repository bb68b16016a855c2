import * as pulumi from "@pulumi/pulumi";
import * as flows from "@pulumi/openai-batch-flows";

const config = new pulumi.Config();
const openaiKey = new flows.ApiKey("openai-key", {
    value: config.requireSecret("openaiApiKey"),
});
const documents = new flows.IngestPipeline("documents", {
    openaiKeySecretArn: openaiKey.secretArn,
    ingest: { maxConcurrency: 20, downloadPorts: [443] },
    polling: { intervalSeconds: 15, backoffRate: 1.5 },
});

export const downloadQueueUrl = documents.downloadQueueUrl;
