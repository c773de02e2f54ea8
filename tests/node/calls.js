// What the drivers share: each call of a client is made in turn, and what came of it is written to standard output as JSON.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');

const APP_ID = 'wx1234567890abcdef';
const SECRET = 'demo-app-secret';
// The smallest picture there is: one grey pixel.
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==', 'base64');
const PICTURE_FILE = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'lane-')), 'a.png');  // some clients want a path
fs.writeFileSync(PICTURE_FILE, PICTURE);
const VOICE = Buffer.concat([Buffer.from('#!AMR\n'), Buffer.alloc(64)]);
const ARTICLE = (cover) => ({title: '秋天的书', author: '小站', digest: '', content: '<p>正文</p>', thumb_media_id: cover});
const DIGEST = {thing1: {value: '本周精选'}, time2: {value: '20:00'}};
const BUTTONS = {button: [{type: 'click', name: '签到', key: 'CHECKIN'}, {name: '更多', sub_button: [{type: 'view', name: '官网', url: 'http://example.com/'}]}]};

function recorder() {
  const results = {};
  return {
    results,
    async call(name, make) {
      try {
        const value = await make();
        results[name] = {ok: true, value: Buffer.isBuffer(value) ? {bytes: value.length} : value};
        return value;
      } catch (error) {
        results[name] = {ok: false, error: String(error && error.message || error)};
        return {};
      }
    },
  };
}

function finish(results) {
  const seen = new Set();
  process.stdout.write(JSON.stringify(results, (key, value) => {
    if (value && typeof value === 'object') {
      if (seen.has(value)) return undefined;
      seen.add(value);
    }
    return value;
  }), () => process.exit(0));
}

module.exports = {APP_ID, SECRET, PICTURE, PICTURE_FILE, VOICE, ARTICLE, DIGEST, BUTTONS, recorder, finish};
