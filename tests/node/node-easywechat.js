// npm node-easywechat: its token, its client for any endpoint. node node-easywechat.js http://127.0.0.1:8001
'use strict';

const FormData = require('form-data');
const {OfficialAccount} = require('node-easywechat');
const {APP_ID, SECRET, PICTURE, ARTICLE, DIGEST, BUTTONS, recorder, finish} = require('./calls');

async function main(base) {
  const app = new OfficialAccount({
    app_id: APP_ID, secret: SECRET, token: 'demo-token', use_stable_access_token: true, http: {baseURL: base + '/'},
  });
  const client = app.getClient();
  const {results, call} = recorder();
  const body = (answer) => {
    const value = typeof answer.toObject === 'function' ? answer.toObject() : answer.data;
    if (value.errcode) throw new Error(JSON.stringify(value));
    return value;
  };
  const get = (path, params) => call(path, async () => body(await client.get(path, {params})));
  const post = (path, json) => call(path, async () => body(await client.post(path, {json})));

  await call('token', async () => !!(await app.getAccessToken().getToken()));
  const [first, second] = (await get('cgi-bin/user/get')).data.openid;
  await get('cgi-bin/user/info', {openid: first});
  await post('cgi-bin/user/info/batchget', {user_list: [{openid: first, lang: 'zh_CN'}]});
  await post('cgi-bin/user/info/updateremark', {openid: first, remark: '易'});
  const tag = (await post('cgi-bin/tags/create', {tag: {name: '易'}})).tag;
  await post('cgi-bin/tags/members/batchtagging', {openid_list: [first, second], tagid: tag.id});
  await post('cgi-bin/user/tag/get', {tagid: tag.id});
  await post('cgi-bin/tags/members/batchblacklist', {openid_list: [second]});
  await post('cgi-bin/tags/members/getblacklist', {begin_openid: ''});
  await post('cgi-bin/tags/members/batchunblacklist', {openid_list: [second]});
  await post('cgi-bin/menu/create', BUTTONS);
  await get('cgi-bin/menu/get');
  await post('cgi-bin/qrcode/create', {action_name: 'QR_LIMIT_STR_SCENE', action_info: {scene: {scene_str: 'store_03'}}});
  const cover = await call('cgi-bin/material/add_material', async () => {
    const formData = new FormData();
    formData.append('media', PICTURE, {filename: 'a.png', contentType: 'image/png'});
    return body(await client.post('cgi-bin/material/add_material', {params: {type: 'image'}, formData}));
  });
  const draft = await post('cgi-bin/draft/add', {articles: [ARTICLE(cover.media_id)]});
  await post('cgi-bin/draft/get', {media_id: draft.media_id});
  await get('cgi-bin/draft/count');
  await post('cgi-bin/draft/batchget', {offset: 0, count: 20});
  const job = await post('cgi-bin/freepublish/submit', {media_id: draft.media_id});
  await post('cgi-bin/freepublish/get', {publish_id: job.publish_id});
  const mass = await post('cgi-bin/message/mass/send', {touser: [first, second], msgtype: 'text', text: {content: '易信'}});
  await post('cgi-bin/message/mass/get', {msg_id: mass.msg_id});
  await post('cgi-bin/message/mass/speed/get', {});
  await post('cgi-bin/message/template/send', {touser: first, template_id: 'TEMPLATE_ID', data: DIGEST});
  await post('cgi-bin/message/custom/send', {touser: process.argv[3], msgtype: 'text', text: {content: '在的'}});
  await post('cgi-bin/message/custom/typing', {touser: process.argv[3], command: 'Typing'});
  await post('datacube/getusersummary', {begin_date: '2026-11-03', end_date: '2026-11-04'});
  await post('cgi-bin/openapi/quota/get', {cgi_path: '/cgi-bin/user/get'});
  await post('cgi-bin/callback/check', {action: 'all', check_operator: 'DEFAULT'});
  await call('jsapi ticket', async () => !!(await app.getTicket().getTicket()));
  finish(results);
}

main(process.argv[2]);
