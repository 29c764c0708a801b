"""The atomic steps of the identity graph: each touches one customer or one identifier, and may be repeated."""

from rtp.stores.scripts import Script

ATTACH = Script("""
-- KEYS: the customer. ARGV: its rank, then by threes field, evidence, and the identifier's field that it goes with.
-- Gives: 1 made, 0 known, -1 merged away, -2 if undoing a merge took one of them away: then nothing is attached.
if redis.call('HEXISTS', KEYS[1], 'into') == 1 then return -1 end
for i = 2, #ARGV, 3 do
  if redis.call('HEXISTS', KEYS[1], 'd:' .. ARGV[i]) == 1 then return -2 end
  if redis.call('HEXISTS', KEYS[1], 'd:' .. ARGV[i + 2]) == 1 then return -2 end
end
local made = redis.call('HSETNX', KEYS[1], 'rank', ARGV[1])
local changed = made
for i = 2, #ARGV, 3 do
  changed = changed + redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1])
end
if changed > 0 then redis.call('HINCRBY', KEYS[1], 'v', 1) end
return made
""")

WRITE = Script("""
-- KEYS: the customer. ARGV: the version the change was made for, how many fields to set, those by twos, fields to
-- delete. Gives 0 if the customer has changed since.
if (redis.call('HGET', KEYS[1], 'v') or '0') ~= ARGV[1] then return 0 end
local last = 2 + 2 * tonumber(ARGV[2])
for i = 3, last, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
redis.call('HINCRBY', KEYS[1], 'v', 1)
return 1
""")

FORWARD = Script("""
-- KEYS: the customer merged away. ARGV: the version that the rules looked at, the survivor, the merge.
-- Gives 0 if it has changed since. From here on the merge holds; the survivor gets what is to come with it next.
if redis.call('HGET', KEYS[1], 'into') == ARGV[2] then return 1 end
if (redis.call('HGET', KEYS[1], 'v') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'into', ARGV[2], 'by', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'v', 1)
return 1
""")

FREE = Script("""
-- KEYS: a customer merged away. ARGV: the survivor. The customer stands for itself again.
if redis.call('HGET', KEYS[1], 'into') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'into', 'by')
redis.call('HINCRBY', KEYS[1], 'v', 1)
return 1
""")

RELEASE = Script("""
-- KEYS: what is held. ARGV: by whom.
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
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

SHARE = Script("""
-- KEYS: the identifier of a device, its open fragment. ARGV: the epochs expected, the customer that stands for the
-- device, why it is shared. What was folded stays with the first owner: a boundary at the watermark closes that.
if redis.call('HEXISTS', KEYS[1], 's') == 1 then return 1 end
local epochs = redis.call('HGET', KEYS[1], 'e') or ''
if epochs ~= ARGV[1] then return 0 end
local watermark = redis.call('HGET', KEYS[2], 'w') or '0-0'
redis.call('HSET', KEYS[1], 'e', epochs .. watermark .. ' ', 'c', ARGV[2], 's', ARGV[3])
redis.call('PERSIST', KEYS[1])
return 1
""")
