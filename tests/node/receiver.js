// npm wechat as a webhook: it checks the signature, opens the push and answers. Its port is the first line it writes.
'use strict';

const http = require('http');
const {parse} = require('url');
const wechat = require('wechat');

const account = {token: 'demo-token', appid: 'wx1234567890abcdef', encodingAESKey: process.argv[2]};
const answer = wechat(account, (req, res) => {
  const message = req.weixin;
  if (message.MsgType === 'event') return res.reply(message.Event === 'subscribe' ? [{title: '欢迎', description: '你好', picurl: '', url: 'http://example.com/'}] : '');
  return res.reply({type: 'text', content: `npm 听见了：${message.Content || message.MsgType}`});
});

const server = http.createServer((req, res) => {
  req.query = parse(req.url, true).query;
  answer(req, res, (error) => { res.writeHead(500); res.end(String(error)); });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\n'));
