/** Which names are legal, in the words clients match (upsert-semantics §6.6). */
import t from 'tap'
import {
  checkAliasName,
  checkCollectionName,
  checkDatabaseName,
  checkFieldName,
  checkPartitionName,
} from '../../../lib/schema/names.js'
import { refusal, refused } from './fixtures.js'

const LONG = 'a'.repeat(256)

t.test('legal names come back as they are', async t => {
  for (const name of ['a', '_', 'Book_2', 'a'.repeat(255)]) {
    t.equal(checkCollectionName(name), name)
    t.equal(checkAliasName(name), name)
    t.equal(checkDatabaseName(name), name)
    t.equal(checkFieldName(name), name)
    t.equal(checkPartitionName(name), name)
  }
})

t.test('collection names', async t => {
  for (const name of ['12-s', '12 s', '(mn)', '中文', '%$#', ' ']) {
    t.match(
      refused(() => checkCollectionName(name)),
      `Invalid collection name: ${name}. the first character of a collection name must be an underscore or letter`,
    )
  }
  t.match(
    refused(() => checkCollectionName('a-b')),
    'collection name can only contain numbers, letters and underscores',
  )
  t.match(
    refused(() => checkCollectionName(LONG)),
    'the length of a collection name must be less than 255 characters',
  )
  t.match(
    refused(() => checkCollectionName('')),
    'collection name should not be empty',
  )
  t.equal(refusal(() => checkCollectionName('')).code, 1100)
})

t.test('alias and database names follow the same rule', async t => {
  t.match(
    refused(() => checkAliasName('1a')),
    'Invalid collection alias name: 1a. ',
  )
  t.match(
    refused(() => checkDatabaseName('a b')),
    'database name can only contain numbers, letters and underscores',
  )
  t.equal(refusal(() => checkDatabaseName('1')).code, 802)
})

t.test('partition names are trimmed, may start with a digit, and may contain a dash', async t => {
  t.equal(checkPartitionName('  p-1 '), 'p-1')
  t.equal(checkPartitionName('2024'), '2024')
  t.match(
    refused(() => checkPartitionName('  ')),
    'Invalid partition name: . Partition name should not be empty.',
  )
  t.match(
    refused(() => checkPartitionName('-a')),
    'Invalid partition name: -a. The first character of a partition name must be an underscore or letter.',
  )
  t.match(
    refused(() => checkPartitionName('a$')),
    'Partition name can only contain numbers, letters and underscores.',
  )
  t.match(
    refused(() => checkPartitionName(LONG)),
    'The length of a partition name must be less than 255',
  )
})

t.test('field names: syntax, reserved names and words of the filter language', async t => {
  for (const name of [
    '',
    '1a',
    'a b',
    LONG,
    'RowID',
    'Timestamp',
    '$meta',
    '$namespace_id',
    '__virtual_pk__',
  ]) {
    t.equal(refusal(() => checkFieldName(name)).code, 1701, name)
  }
  for (const name of [
    'like',
    'LIKE',
    'True',
    'false',
    'nUlL',
    'json_contains_all',
    'ARRAY_LENGTH',
    'random_sample',
  ]) {
    t.match(
      refused(() => checkFieldName(name)),
      `${name} is keyword in milvus`,
    )
  }
  for (const name of ['Like', 'And', 'likes', 'truest', 'interval']) t.equal(checkFieldName(name), name)
})

t.test('lengths count bytes, not characters', async t => {
  t.match(
    refused(() => checkCollectionName(`a${'é'.repeat(128)}`)),
    'must be less than 255 characters',
  )
})
