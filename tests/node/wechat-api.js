// npm wechat-api (callbacks) over as many endpoints as it has. node wechat-api.js http://127.0.0.1:8001
'use strict';

const {promisify} = require('util');
const API = require('wechat-api');
const {APP_ID, SECRET, PICTURE_FILE, ARTICLE, DIGEST, BUTTONS, recorder, finish} = require('./calls');

async function main(base) {
  const api = new API(APP_ID, SECRET);
  api.endpoint = base;
  api.mpPrefix = base + '/cgi-bin/';
  api.fileServerPrefix = base + '/cgi-bin/';
  const {results, call} = recorder();
  const ask = (name, ...given) => call(name, () => promisify(api[name].bind(api))(...given));

  await ask('getIp');
  const [first, second] = (await ask('getFollowers')).data.openid;
  await ask('getUser', first);
  await ask('batchGetUsers', [first, second]);
  await ask('updateRemark', first, '老王');
  const tag = (await ask('createTag', '旧客户端')).tag;
  await ask('getTags');
  await ask('editTag', tag.id, '旧的客户端');
  await ask('membersBatchtagging', tag.id, [first, second]);
  await ask('getTagUsers', tag.id, '');
  await ask('getUserTags', first);
  await ask('membersBatchuntagging', tag.id, [second]);
  await ask('getGroups');
  await ask('createMenu', BUTTONS);
  await ask('getMenu');
  await ask('removeMenu');
  await ask('createTmpQRCode', 10000, 1800);
  await ask('createLimitQRCode', 'store_02');
  const image = (await ask('uploadMedia', PICTURE_FILE, 'image')).media_id;
  await ask('getMedia', image);
  const cover = (await ask('uploadMaterial', PICTURE_FILE, 'image')).media_id;
  const news = (await ask('uploadNews', {articles: [ARTICLE(cover)]})).media_id;
  await ask('previewNews', first, news);
  const mass = await ask('massSendText', '旧客户端的早安', [first, second]);
  await call('massSendText (group)', () => promisify(api.massSendText.bind(api))('一组早安', tag.id));
  await ask('massSendImage', image, [first, second]);
  await ask('getMassMessageStatus', mass.msg_id);
  await ask('sendTemplate', first, 'TEMPLATE_ID', 'http://example.com/', DIGEST);
  await ask('sendText', process.argv[3], '在的');
  await ask('getUserSummary', '2026-11-03', '2026-11-04');
  await ask('getUserCumulate', '2026-11-03', '2026-11-04');
  await ask('getUpstreamMsg', '2026-11-03', '2026-11-04');
  await ask('getInterfaceSummary', '2026-11-03', '2026-11-04');
  await ask('getArticleSummary', '2026-11-03', '2026-11-03');
  await ask('clearQuota', APP_ID);
  await ask('deleteTag', tag.id);
  finish(results);
}

main(process.argv[2]);
