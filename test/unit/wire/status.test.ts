import t from 'tap'
import { assert } from '../../../lib/base/assert.js'
import { ERRORS, MilvusError } from '../../../lib/base/errors.js'
import { decode, encode } from '../../../lib/wire/message.js'
import { Status } from '../../../lib/wire/messages/common.js'
import { legacyCode, RestError, restErrorBody, SUCCESS, statusOf } from '../../../lib/wire/status.js'

const roundTrip = (status: Parameters<typeof encode<(typeof Status)['shape']>>[1]) =>
  decode(Status, encode(Status, status))

t.test('success is an empty Status, with no extra_info', async t => {
  t.equal(encode(Status, SUCCESS).length, 0)
  t.equal(roundTrip(SUCCESS).extra_info.size, 0)
})

t.test('a caller’s mistake carries both codes, both texts and the input mark', async t => {
  const status = roundTrip(statusOf(new MilvusError('ParameterInvalid', 'limit [0] is invalid')))
  t.match(status, {
    error_code: 5,
    code: 1100,
    reason: 'limit [0] is invalid: invalid parameter',
    detail: 'limit [0] is invalid: invalid parameter',
    retriable: false,
  })
  t.same([...status.extra_info], [['is_input_error', 'true']])
})

t.test('old codes follow the table, and no failure looks like a success', async t => {
  const wanted: Record<number, number> = {
    1: 56,
    8: 49,
    9: 48,
    100: 4,
    109: 62,
    200: 15,
    700: 25,
    1101: 5,
    1102: 5,
  }
  for (const [code, old] of Object.entries(wanted)) t.equal(legacyCode(Number(code)), old, code)
  t.equal(legacyCode(0), 0)
  for (const { code } of Object.values(ERRORS)) t.not(legacyCode(code), 0, String(code))
})

t.test('our own slips are "unexpected"', async t => {
  try {
    assert(false, 'x')
  } catch (error) {
    t.match(statusOf(error), { code: 65535, error_code: 1, reason: 'invariant broken: x', retriable: false })
    t.same(restErrorBody(error), { code: 65535, message: 'invariant broken: x' })
  }
  t.match(statusOf('text'), { code: 65535, reason: 'text' })
})

t.test('REST errors have their own codes and texts', async t => {
  t.same(restErrorBody(new RestError('badRows', 'row 0 does not has field x')), {
    code: 1804,
    message: 'fail to deal the insert data, error: row 0 does not has field x',
  })
  t.same(restErrorBody(new RestError('unauthenticated')), {
    code: 1800,
    message: "user hasn't authenticated",
  })
  t.same(restErrorBody(new MilvusError('CollectionNotLoaded', '', { fields: { collection: 5 } })), {
    code: 101,
    message: 'collection not loaded[collection=5]',
  })
})
