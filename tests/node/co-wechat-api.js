// npm co-wechat-api over as many endpoints as it has. node co-wechat-api.js http://127.0.0.1:8001
'use strict';

const API = require('co-wechat-api');
const {APP_ID, SECRET, PICTURE, PICTURE_FILE, VOICE, ARTICLE, DIGEST, BUTTONS, recorder, finish} = require('./calls');

async function main(base) {
  const api = new API(APP_ID, SECRET);
  api.prefix = base + '/cgi-bin/';
  api.mpPrefix = base + '/cgi-bin/';
  api.fileServerPrefix = base + '/cgi-bin/';
  api.snsPrefix = base + '/sns/';
  api.customservicePrefix = base + '/customservice/';
  api.wxaPrefix = base + '/wxa/';
  const {results, call} = recorder();

  await call('ensureAccessToken', async () => !!(await api.ensureAccessToken()).accessToken);
  await call('getIp', () => api.getIp());
  const followers = (await call('getFollowers', () => api.getFollowers())).data.openid;
  const [first, second, third] = followers;
  await call('getFollowers (next)', () => api.getFollowers(followers[followers.length - 1]));
  await call('getUser', () => api.getUser(first));
  await call('batchGetUsers', () => api.batchGetUsers([first, second]));
  await call('updateRemark', () => api.updateRemark(first, '老李'));

  const tag = (await call('createTags', () => api.createTags('常来的'))).tag;
  await call('getTags', () => api.getTags());
  await call('updateTag', () => api.updateTag(tag.id, '常客'));
  await call('batchTagging', () => api.batchTagging([first, second], tag.id));
  await call('getUsersFromTag', () => api.getUsersFromTag(tag.id));
  await call('getIdList', () => api.getIdList(first));
  await call('batchUnTagging', () => api.batchUnTagging([second], tag.id));
  const group = (await call('createGroup', () => api.createGroup('旧组'))).group;
  await call('getGroups', () => api.getGroups());
  await call('updateGroup', () => api.updateGroup(group.id, '老组'));
  await call('moveUserToGroup', () => api.moveUserToGroup(third, group.id));
  await call('moveUsersToGroup', () => api.moveUsersToGroup([third, second], group.id));
  await call('getWhichGroup', () => api.getWhichGroup(third));
  await call('removeGroup', () => api.removeGroup(group.id));

  await call('createMenu', () => api.createMenu(BUTTONS));
  await call('getMenu', () => api.getMenu());
  await call('getMenuConfig', () => api.getMenuConfig());
  const conditional = await call('addConditionalMenu', () => api.addConditionalMenu({...BUTTONS, matchrule: {tag_id: String(tag.id)}}));
  await call('tryConditionalMenu', () => api.tryConditionalMenu(first));
  await call('delConditionalMenu', () => api.delConditionalMenu(conditional.menuid));
  await call('removeMenu', () => api.removeMenu());
  await call('getAutoreply', () => api.getAutoreply());

  const code = await call('createTmpQRCode', () => api.createTmpQRCode(10000, 1800));
  await call('createLimitQRCode', () => api.createLimitQRCode('store_01'));
  await call('showQRCodeURL', async () => api.showQRCodeURL(code.ticket));

  const image = (await call('uploadMedia', () => api.uploadMedia(PICTURE, 'image', 'a.png', 'image/png'))).media_id;
  const voice = (await call('uploadMedia (voice)', () => api.uploadMedia(VOICE, 'voice', 'a.amr', 'audio/amr'))).media_id;
  await call('getMedia', () => api.getMedia(image));
  await call('uploadImage', () => api.uploadImage(PICTURE_FILE));
  const cover = (await call('uploadMaterial', () => api.uploadMaterial(PICTURE_FILE, 'image'))).media_id;
  await call('getMaterial', () => api.getMaterial(cover));
  await call('getMaterialCount', () => api.getMaterialCount());
  await call('getMaterials', () => api.getMaterials('image', 0, 20));

  const news = (await call('uploadNews', () => api.uploadNews({articles: [ARTICLE(cover)]}))).media_id;
  await call('previewNews', () => api.previewNews(first, news));
  await call('previewText', () => api.previewText(first, '预览'));
  await call('previewImage', () => api.previewImage(first, image));
  await call('previewVoice', () => api.previewVoice(first, voice));
  const mass = await call('massSendText', () => api.massSendText('各位早', [first, second]));
  await call('massSendText (tag)', () => api.massSendText('常客早', tag.id));
  await call('massSendText (all)', () => api.massSendText('大家早', true));
  await call('massSendImage', () => api.massSendImage(image, [first, third]));
  await call('massSendVoice', () => api.massSendVoice(voice, [first, third]));
  await call('massSendNews', () => api.massSendNews(news, [first, second]));
  await call('getMassMessageStatus', () => api.getMassMessageStatus(String(mass.msg_id)));
  await call('deleteTag', () => api.deleteTag(tag.id));

  await call('getAllPrivateTemplate', () => api.getAllPrivateTemplate());
  await call('sendTemplate', () => api.sendTemplate(first, 'TEMPLATE_ID', 'http://example.com/', '#000000', DIGEST));
  await call('delPrivateTemplate', () => api.delPrivateTemplate('ORDER_SHIPPED'));
  await call('setIndustry', () => api.setIndustry({industry_id1: '1', industry_id2: '4'}));
  await call('getIndustry', () => api.getIndustry());

  const writer = process.argv[3];  // somebody who has just written to the account
  await call('sendText', () => api.sendText(writer, '在的'));
  await call('sendImage', () => api.sendImage(writer, image));
  await call('sendVoice', () => api.sendVoice(writer, voice));
  await call('sendNews', () => api.sendNews(writer, [{title: '一', description: '二', url: 'http://example.com/', picurl: ''}]));

  await call('getCustomServiceList', () => api.getCustomServiceList());
  await call('getTicket', () => api.getTicket());
  await call('removeMaterial', () => api.removeMaterial(cover));
  await call('an errcode is an error (old template)', () => api.addTemplate('TM00015'));  // 40247: categories replaced the industries
  await call('an errcode is an error', () => api.getUser('oSimNobody'));
  finish(results);
}

main(process.argv[2]);
