package feed

import (
	"slices"
	"strings"
)

// headers are what columns are called, folded, by what they say: in English, Vietnamese, Polish and Chinese.
var headers = map[string][]string{
	"value": {
		"url", "urls", "uri", "link", "links", "websites", "domains", "domain", "domain name", "domainaddress", "hostname", "host", "fqdn", "site", "website", "web site", "address", "indicator", "ioc", "ioc_value", "value", "phishing url",
		"phone", "phone number", "number", "account", "account number", "iban", "weburl", "ip", "ip address", "wallet",
		"đối tượng", "địa chỉ", "tên miền", "đường dẫn", "đường link", "trang web", "liên kết", "số điện thoại", "sđt", "số tài khoản", "tài khoản", "website lừa đảo", "địa chỉ website",
		"adres", "adres domeny", "adresdomeny", "domena", "adres url", "adres strony", "strona", "numer telefonu", "numer", "numer konta", "nazwa domeny", "witryna",
		"網址", "网址", "網域", "網域名稱", "域名", "網站", "网站", "連結", "链接", "偽冒網址", "電話", "電話號碼", "电话", "帳號", "账号", "帳戶",
	},
	"first": {
		"first_seen", "firstseen", "first seen", "first_seen_utc", "dateadded", "date added", "date_added", "added", "added_on", "created", "created_at", "date", "reported", "report date", "reported_at", "date published", "date listed", "date of alert",
		"submission_time", "insertdate", "date_discovered", "timestamp", "discovered", "listed", "listed on", "from",
		"ngày ghi nhận", "ngày phát hiện", "ngày báo cáo", "ngày tạo", "ngày thêm", "ngày", "thời gian", "thời gian ghi nhận", "ngày tiếp nhận", "ngày cảnh báo", "ngày công bố", "thời điểm", "ngày phản ánh",
		"data wpisu", "datawpisu", "data dodania", "data", "data zgłoszenia", "dodano", "data wykrycia",
		"通報日期", "日期", "統計起始日期", "發現日期", "發布日期", "接獲通報日期", "建立日期", "时间", "日期时间", "民國年月", "登錄日期",
	},
	"last": {
		"last_seen", "lastseen", "last seen", "last_online", "last_seen_utc", "updated", "updated_at", "last_updated", "modified", "verification_time", "last checked", "to",
		"ngày cập nhật", "cập nhật", "cập nhật lần cuối", "lần cuối", "data aktualizacji", "ostatnio widziano", "data modyfikacji", "統計結束日期", "更新日期", "最後更新", "更新时间",
	},
	"lapses": {
		"expires", "expired_on", "expiry", "expiration", "valid_until", "valid until", "lapses", "expires_at", "hết hiệu lực", "ngày hết hạn", "hết hạn", "hiệu lực đến", "ważne do", "data wygaśnięcia", "到期日", "有效期限",
	},
	"gone_when": {
		"deletedate", "deleted_at", "deleted", "removed", "removed_at", "date removed", "withdrawn", "delisted", "ngày gỡ", "ngày gỡ bỏ", "ngày xóa", "ngày gỡ chặn",
		"data wykreślenia", "datawykreslenia", "data usunięcia", "移除日期", "刪除日期", "解除日期",
	},
	"status": {"status", "state", "verdict", "url_status", "online", "active", "trạng thái", "tình trạng", "stan", "狀態", "状态", "處理狀態"},
	"id":     {"id", "uuid", "phish_id", "case", "case id", "reference number", "_id", "mã", "mã vụ việc", "mã số", "số hồ sơ", "identyfikator", "pozycjarejestru", "pozycja rejestru", "registerpositionid", "編號", "编号", "案號", "序號"},
	"category": {
		"category", "type of scam", "threat", "threat_type", "kind", "scam type", "fraud type", "hình thức", "loại hình", "loại hình lừa đảo", "loại lừa đảo", "thủ đoạn", "phân loại", "kategoria", "rodzaj", "rodzaj oszustwa", "類別", "类别", "分類", "詐騙類型", "詐騙手法", "網站性質",
	},
	"bank":      {"bank", "bank name", "ngân hàng", "tên ngân hàng", "nazwa banku", "銀行", "银行", "銀行名稱"},
	"sure":      {"confidence", "confidence_level", "score", "confidence score", "độ tin cậy", "pewność", "信心", "可信度"},
	"tlp":       {"tlp", "share_level", "marking"},
	"reference": {"reference", "urlhaus_link", "phish_detail_url", "report", "details", "more", "source url", "tham khảo", "nguồn", "źródło", "odnośnik", "來源", "来源", "參考"},
	"text":      {"note", "notes", "description", "comment", "comments", "remark", "remarks", "tags", "target", "ghi chú", "mô tả", "nội dung", "opis", "uwagi", "komentarz", "備註", "备注", "說明", "描述", "網站名稱", "website_nm"},
}

// roleOf is what a column says, by its name; empty for what is not known. Of a way to a member, the last step counts.
func roleOf(name string) string {
	name = fold(name)
	names := []string{name, strings.ReplaceAll(name, "_", " "), name[strings.LastIndexByte(name, '.')+1:]}
	if either := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("/()|", r) }); len(either) > 1 { // domain / website, website(s)
		for _, one := range either {
			names = append(names, strings.TrimSpace(one))
		}
	}
	for _, name := range names {
		for role, words := range headers {
			if slices.Contains(words, name) {
				return role
			}
		}
	}
	return ""
}

// goneWords are what a status says of what was taken back, folded.
var goneWords = []string{
	"removed", "deleted", "withdrawn", "inactive", "offline", "delisted", "closed", "revoked", "takedown", "taken down",
	"đã gỡ", "đã gỡ bỏ", "đã xóa", "gỡ bỏ", "hết hiệu lực", "không hoạt động", "ngừng hoạt động", "báo nhầm", "đã thu hồi", "nhầm",
	"usunięto", "usunięta", "usunięty", "wykreślono", "wykreślona", "nieaktywna", "nieaktywny", "wycofano", "已移除", "已解除", "已刪除", "已下架", "已关闭", "失效", "誤報",
}

// honestWords are what a status says of what the source takes for no scam, folded.
var honestWords = []string{
	"benign", "clean", "harmless", "legitimate", "legit", "safe", "false positive", "false_positive", "falsepositive", "non_malicious", "not malicious", "not_malicious", "whitelisted",
	"whitelist", "allow", "allowed", "an toàn", "hợp pháp", "không lừa đảo", "bezpieczna", "bezpieczny", "fałszywy alarm", "安全", "正常",
}

// kindWords are parts of what people call a kind of scam, folded, with its slug; the first that is found counts.
var kindWords = [][2]string{
	{"phish", "phishing"}, {"credential", "phishing"}, {"malware", "malware"}, {"payload", "malware"}, {"botnet", "malware"}, {"invest", "investment"}, {"đầu tư", "investment"}, {"inwest", "investment"}, {"投資", "investment"}, {"投资", "investment"},
	{"công an", "authority"}, {"cơ quan", "authority"}, {"police", "authority"}, {"policj", "authority"}, {"檢警", "authority"}, {"việc làm", "job"}, {"việc nhẹ", "job"}, {"tuyển dụng", "job"}, {"job", "job"}, {"praca", "job"}, {"求職", "job"},
	{"trúng thưởng", "prize"}, {"quà", "prize"}, {"prize", "prize"}, {"nagrod", "prize"}, {"中獎", "prize"}, {"xổ số", "lottery"}, {"lotter", "lottery"}, {"loteri", "lottery"}, {"vay", "loan"}, {"loan", "loan"}, {"pożyczk", "loan"}, {"貸款", "loan"},
	{"cờ bạc", "gambling"}, {"cá cược", "gambling"}, {"gambl", "gambling"}, {"hazard", "gambling"}, {"博弈", "gambling"}, {"賭", "gambling"}, {"bán hàng", "shop"}, {"mua sắm", "shop"}, {"shop", "shop"}, {"sklep", "shop"}, {"購物", "shop"}, {"网购", "shop"},
	{"tình cảm", "romance"}, {"romance", "romance"}, {"交友", "romance"}, {"giả mạo", "impersonation"}, {"giả danh", "impersonation"}, {"impersonat", "impersonation"}, {"podszyw", "impersonation"}, {"假冒", "impersonation"}, {"từ thiện", "charity"}, {"charit", "charity"},
	{"du lịch", "travel"}, {"travel", "travel"}, {"otp", "otp"}, {"sms", "sms"}, {"deepfake", "deepfake"}, {"mạo danh", "impersonation"}, {"lấy lại tiền", "recovery"}, {"recovery", "recovery"}, {"cấp cứu", "emergency"}, {"khác", "other"}, {"other", "other"}, {"inne", "other"}, {"其他", "other"},
}
