// Sends each of the six calls with Segment's library for Node. usage: node send.js HOST WRITE_KEY USER_ID ANONYMOUS_ID
const { Analytics } = require('@segment/analytics-node')

const [host, writeKey, userId, anonymousId] = process.argv.slice(2)
const analytics = new Analytics({ host, writeKey, maxRetries: 0 })
analytics.on('error', (error) => {
  console.error(JSON.stringify(error))
  process.exitCode = 1
})

const context = { channel: 'app', storeId: 's1' }
analytics.page({ anonymousId, name: 'Home', properties: { scrollDepth: 60, dwellMs: 4000 }, context })
analytics.alias({ userId, previousId: anonymousId, context })
analytics.identify({ userId, traits: { email: `${userId}@shop.test` }, context })
analytics.track({ userId, event: 'Product Viewed', properties: { product_id: 'p1' }, context })
analytics.screen({ userId, name: 'Basket', context })
analytics.group({ userId, groupId: 'household-1', context })
analytics.closeAndFlush({ timeout: 20000 })
