package category

// Form is one of the 24 forms of online scams that Vietnam's authorities published in 2023, in the order of their
// handbook "Cẩm nang nhận diện và phòng chống lừa đảo trực tuyến" (docs/categories.md says where). Most of them were
// categories already or became one; what is wider than one category has the one that comes nearest.
type Form struct {
	Number   int
	Category Category
	name     text
}

// Name is what it is called, in lang.
func (f Form) Name(lang string) string { return f.name.in(lang) }

// Forms lists them.
func Forms() []Form { return forms[:] }

var forms = [...]Form{
	{1, Travel, text{"Cheap travel packages", "Combo du lịch giá rẻ", "Tanie pakiety wycieczek"}},
	{2, Deepfake, text{"Calls with a faked face or voice (deepfake, deepvoice)", "Cuộc gọi video Deepfake, Deepvoice", "Rozmowy z podrobioną twarzą lub głosem (deepfake)"}},
	{3, Sim, text{"SIM lock because the subscriber is not verified", "Khóa SIM vì chưa chuẩn hóa thuê bao", "Blokada karty SIM za brak weryfikacji"}},
	{4, Receipt, text{"Fake proof of a payment", "Giả mạo biên lai chuyển tiền thành công", "Fałszywe potwierdzenie przelewu"}},
	{5, Emergency, text{"A false teacher or medical worker: a relative is in hospital", "Giả danh giáo viên, nhân viên y tế báo người thân đang cấp cứu", "Fałszywy nauczyciel lub lekarz: bliski jest w szpitalu"}},
	{6, Talent, text{"Recruiting child models", "Chiêu trò tuyển người mẫu nhí", "Nabór małych modeli"}},
	{7, Loan, text{"Passing oneself off as a finance company or bank", "Giả danh công ty tài chính, ngân hàng", "Podszywanie się pod firmę finansową lub bank"}},
	{8, Malware, text{"Planted apps, advertising links, gambling, loan sharks", "Cài cắm ứng dụng, link quảng cáo cờ bạc, cá độ, tín dụng đen", "Podrzucane aplikacje i linki do hazardu i lichwy"}},
	{9, Phishing, text{"Fake sites of agencies and companies", "Giả mạo trang thông tin điện tử cơ quan, doanh nghiệp", "Fałszywe strony urzędów i firm"}},
	{10, Sms, text{"Faked sender names of text messages (SMS Brandname)", "Giả mạo SMS Brandname, phát tán tin nhắn giả mạo", "Fałszywe nazwy nadawców SMS"}},
	{11, Investment, text{"Investment in shares, crypto-currency, multi-level schemes", "Đầu tư chứng khoán, tiền ảo, đa cấp", "Inwestycje w akcje, kryptowaluty, piramidy"}},
	{12, Job, text{"Recruiting online collaborators", "Tuyển cộng tác viên online", "Nabór współpracowników online"}},
	{13, Hijacked, text{"Stolen social accounts that write to friends", "Đánh cắp tài khoản mạng xã hội, nhắn tin lừa đảo", "Skradzione konta piszące do znajomych"}},
	{14, Authority, text{"False police, prosecutors and courts on the telephone", "Giả danh cơ quan công an, viện kiểm sát, tòa án gọi điện lừa đảo", "Fałszywa policja, prokuratura i sądy przez telefon"}},
	{15, Shop, text{"Counterfeit goods on online marketplaces", "Rao bán hàng giả, hàng nhái trên sàn thương mại điện tử", "Podróbki na platformach handlowych"}},
	{16, Identity, text{"Stolen identity cards used for loans", "Đánh cắp thông tin CCCD đi vay nợ tín dụng", "Skradzione dane dowodu użyte do pożyczek"}},
	{17, Transfer, text{"Money sent to an account by mistake", "Chuyển nhầm tiền vào tài khoản ngân hàng", "Rzekomo pomyłkowy przelew"}},
	{18, Recovery, text{"Service that gets lost money back", "Dịch vụ lấy lại tiền khi đã bị lừa", "Usługa odzyskiwania straconych pieniędzy"}},
	{19, Otp, text{"Theft of Telegram codes (OTP)", "Đánh cắp Telegram OTP", "Kradzież kodów do Telegrama"}},
	{20, Hoax, text{"False news of calls that cost money (FlashAI)", "Tung tin giả về cuộc gọi mất tiền như FlashAI", "Fałszywe wieści o telefonach zabierających pieniądze (FlashAI)"}},
	{21, Unlock, text{"Service that gets a Facebook account back", "Dịch vụ lấy lại Facebook", "Usługa odzyskiwania konta na Facebooku"}},
	{22, Romance, text{"Romance, investment, parcels and prizes", "Bẫy tình cảm, đầu tư tài chính, gửi bưu kiện, trúng thưởng", "Uczucia, inwestycje, paczki i wygrane"}},
	{23, Phishing, text{"Phishing links and planted advertising on social networks", "Rải link phishing, seeding quảng cáo bẩn trên mạng xã hội", "Linki phishingowe i podrzucane reklamy w sieciach"}},
	{24, Lottery, text{"Selling lottery numbers", "Cho số đánh đề", "Sprzedaż numerów loterii"}},
}
