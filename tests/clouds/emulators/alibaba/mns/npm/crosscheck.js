// Drives the emulator with the official Node.js client. Usage: node crosscheck.js <endpoint> <account> <id> <secret> [token]
'use strict';

const assert = require('node:assert/strict');
const MNS = require('@alicloud/mns');

const [endpoint, account, accessKeyId, accessKeySecret, securityToken] = process.argv.slice(2);
const options = { endpoint, accessKeyId, accessKeySecret, securityToken };
const client = new MNS(account, options);
let checks = 0;

function check(actual, expected, what) {
  assert.deepEqual(actual, expected, what);
  checks++;
}

// refused expects the error that the client makes of a code.
async function refused(code, call) {
  await assert.rejects(call, (err) => {
    assert.equal(err.name, `MNS${code}Error`, err.message);
    return true;
  });
  checks++;
}

async function queues() {
  const created = await client.createQueue('crosscheck', { DelaySeconds: 0, VisibilityTimeout: 2, PollingWaitSeconds: 0 });
  check(created.code, 201, 'create');
  check(created.headers.location, `${endpoint}/queues/crosscheck`, 'location');
  check((await client.createQueue('crosscheck', { VisibilityTimeout: 2 })).code, 204, 'the same again');
  await refused('QueueAlreadyExist', () => client.createQueue('crosscheck', { VisibilityTimeout: 3 }));
  await refused('InvalidArgument', () => client.createQueue('other', { VisibilityTimeout: 43201 }));
  await refused('InvalidQueueName', () => client.createQueue('1other', {}));
  check((await client.setQueueAttributes('crosscheck', { MessageRetentionPeriod: 604800 })).code, 204, 'set');
  const { body } = await client.getQueueAttributes('crosscheck');
  check([body.QueueName, body.VisibilityTimeout, body.MessageRetentionPeriod, body.MaximumMessageSize], ['crosscheck', '2', '604800', '65536'], 'attributes');
  await client.createQueue('crosscheck-2', {});
  check((await client.listQueue('', 10, 'crosscheck')).body.map((q) => q.QueueURL), [`${endpoint}/queues/crosscheck`, `${endpoint}/queues/crosscheck-2`], 'list');
  const page = (await client.listQueue('', 1, 'crosscheck')).body;
  check(page.length, 1, 'page');
  check((await client.deleteQueue('crosscheck-2')).code, 204, 'delete');
  await refused('QueueNotExist', () => client.getQueueAttributes('crosscheck-2'));
}

async function messages() {
  await refused('MessageNotExist', () => client.receiveMessage('crosscheck'));
  await refused('QueueNotExist', () => client.sendMessage('nobody', { MessageBody: 'x' }));
  const sent = await client.sendMessage('crosscheck', { MessageBody: 'one', Priority: 9 });
  check(sent.code, 201, 'send');
  check(sent.body.MessageBodyMD5, 'F97C5D29941BFB1B2FDAB0874906AB82', 'digest');
  check((await client.peekMessage('crosscheck')).body.MessageBody, 'one', 'peek');
  const got = await client.receiveMessage('crosscheck', 1);
  check([got.body.MessageId, got.body.MessageBody, got.body.DequeueCount, got.body.Priority], [sent.body.MessageId, 'one', '1', '9'], 'receive');
  await refused('MessageNotExist', () => client.receiveMessage('crosscheck'));
  const changed = await client.changeMessageVisibility('crosscheck', got.body.ReceiptHandle, 1);
  assert.notEqual(changed.body.ReceiptHandle, got.body.ReceiptHandle);
  await refused('MessageNotExist', () => client.deleteMessage('crosscheck', got.body.ReceiptHandle));
  const again = await client.receiveMessage('crosscheck', 5);
  check([again.body.MessageId, again.body.DequeueCount], [sent.body.MessageId, '2'], 'again, after a wait');
  check((await client.deleteMessage('crosscheck', again.body.ReceiptHandle)).code, 204, 'delete');
  await refused('ReceiptHandleError', () => client.deleteMessage('crosscheck', 'nonsense'));
}

async function batches() {
  const list = [...Array(16).keys()].map((i) => ({ MessageBody: `m${i}`, Priority: 16 - i }));
  const sent = await client.batchSendMessage('crosscheck', list);
  check(sent.body.length, 16, 'batch send');
  await refused('InvalidArgument', () => client.batchSendMessage('crosscheck', [...list, { MessageBody: 'x' }]));
  check((await client.batchPeekMessage('crosscheck', 2)).body.map((m) => m.MessageBody), ['m15', 'm14'], 'batch peek, by priority');
  const got = await client.batchReceiveMessage('crosscheck', 16, 1);
  check(got.body.length, 16, 'batch receive');
  const handles = got.body.map((m) => m.ReceiptHandle);
  check((await client.batchDeleteMessage('crosscheck', handles.slice(0, 15))).code, 204, 'batch delete');
  const partial = await client.batchDeleteMessage('crosscheck', [handles[0], handles[15]]);
  check([partial.code, partial.body.length, partial.body[0].ErrorCode, partial.body[0].ReceiptHandle], [404, 1, 'MessageNotExist', handles[0]], 'partial');
  const delayed = await client.sendMessage('crosscheck', { MessageBody: 'late', DelaySeconds: 604800 });
  check((await client.deleteMessage('crosscheck', delayed.body.ReceiptHandle)).code, 204, 'delete before its time');
}

async function topics() {
  const created = await client.createTopic('events', { MaximumMessageSize: 65536 });
  check([created.code, created.headers.location], [201, `${endpoint}/topics/events`], 'create topic');
  check((await client.setTopicAttributes('events', { LoggingEnabled: true })).code, 204, 'set topic');
  check((await client.getTopicAttributes('events')).body.LoggingEnabled, 'true', 'topic');
  check((await client.listTopic('', 10, 'ev')).body.map((t) => t.TopicURL), [`${endpoint}/topics/events`], 'list topics');
  const published = await client.publishMessage('events', { MessageBody: 'one' });
  check([published.code, published.body.MessageBodyMD5], [201, 'F97C5D29941BFB1B2FDAB0874906AB82'], 'publish');
  await refused('TopicNotExist', () => client.publishMessage('nothing', { MessageBody: 'one' }));
}

async function credentials() {
  const other = (o) => new MNS(account, { ...options, ...o });
  await refused('SignatureDoesNotMatch', () => other({ accessKeySecret: 'wrong' }).receiveMessage('crosscheck'));
  await refused('InvalidAccessKeyId', () => other({ accessKeyId: 'nobody' }).receiveMessage('crosscheck'));
  if (securityToken) {
    await refused('InvalidSecurityToken', () => other({ securityToken: 'wrong' }).receiveMessage('crosscheck'));
  }
}

(async () => {
  await queues();
  await messages();
  await batches();
  await topics();
  await credentials();
  await client.deleteQueue('crosscheck');
  console.log(`${checks} checks`);
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
