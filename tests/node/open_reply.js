// A sealed reply from standard input as JSON (Encrypt, MsgSignature, TimeStamp, Nonce), opened by npm's two implementations.
'use strict';

const Crypto = require('wechat-crypto');
const {OfficialAccount} = require('node-easywechat');

const [token, key, appId] = process.argv.slice(2);
const sealed = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const crypto = new Crypto(token, key, appId);
const easy = new OfficialAccount({app_id: appId, secret: 'x', token, aes_key: key}).getEncryptor();
process.stdout.write(JSON.stringify({
  signature: crypto.getSignature(sealed.TimeStamp, sealed.Nonce, sealed.Encrypt),
  opened: crypto.decrypt(sealed.Encrypt),
  easywechat: easy.decrypt(sealed.Encrypt, sealed.MsgSignature, sealed.Nonce, sealed.TimeStamp),
}));
