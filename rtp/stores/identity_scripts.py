"""The atomic steps of the identity graph: each touches one customer or one identifier."""

from rtp.stores.scripts import Script

ATTACH = Script("""
-- KEYS: the customer. ARGV: its rank, then field and evidence, by twos. Gives: 1 made, 0 known, -1 merged away.
if redis.call('HEXISTS', KEYS[1], 'into') == 1 then return -1 end
local made = redis.call('HSETNX', KEYS[1], 'rank', ARGV[1])
local changed = made
for i = 2, #ARGV, 2 do changed = changed + redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) end
if changed > 0 then redis.call('HINCRBY', KEYS[1], 'v', 1) end
return made
""")

FORWARD = Script("""
-- KEYS: the customer merged away. ARGV: the version its fields were copied at, the survivor.
-- Gives 0 if it has changed since, so that nothing of it is left behind.
if redis.call('HGET', KEYS[1], 'into') == ARGV[2] then return 1 end
if (redis.call('HGET', KEYS[1], 'v') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'into', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'v', 1)
return 1
""")

POINT = Script("""
-- KEYS: the identifier. ARGV: the owner expected ('' for none), the new owner. Gives 0 if somebody else owns it.
local owner = redis.call('HGET', KEYS[1], 'c') or ''
if owner == ARGV[2] then return 1 end
if owner ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'c', ARGV[2])
return 1
""")

MOVE = Script("""
-- KEYS: the identifier, its open fragment. ARGV: the owner expected, the new owner, the epochs expected, and when
-- the new owner logged in. What was folded stays with the old owner: a boundary at the watermark closes the fragment.
local owner, epochs = redis.call('HGET', KEYS[1], 'c') or '', redis.call('HGET', KEYS[1], 'e') or ''
if owner == ARGV[2] or tonumber(redis.call('HGET', KEYS[1], 't') or '0') >= tonumber(ARGV[4]) then return 1 end
if owner ~= ARGV[1] or epochs ~= ARGV[3] then return 0 end
local watermark = redis.call('HGET', KEYS[2], 'w')
if watermark then redis.call('HSET', KEYS[1], 'e', epochs .. watermark .. ' ') end
redis.call('HSET', KEYS[1], 'c', ARGV[2], 't', ARGV[4])
return 1
""")
