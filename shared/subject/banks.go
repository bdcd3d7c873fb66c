package subject

// bank is one of the banks and payment services of Vietnam.
type bank struct {
	bin, title string
	names      []string // as people write them, in lower case without accents
}

// banks are the members of NAPAS with the numbers (BIN) that payment codes have (NAPAS,
// "List of member organisations, transfers by QR code").
var banks = [...]bank{
	{"970436", "Vietcombank", []string{"vietcombank", "vcb", "vietcom", "ngoai thuong"}},
	{"970415", "VietinBank", []string{"vietinbank", "vietin", "viettinbank", "ctg", "cong thuong"}},
	{"970418", "BIDV", []string{"bidv", "dau tu va phat trien"}},
	{"970405", "Agribank", []string{"agribank", "agri", "vbard", "nong nghiep"}},
	{"970422", "MB Bank", []string{"mbbank", "mb bank", "mb", "quan doi"}},
	{"970407", "Techcombank", []string{"techcombank", "tcb", "techcom", "ky thuong"}},
	{"970416", "ACB", []string{"acb", "a chau"}},
	{"970432", "VPBank", []string{"vpbank", "vp bank", "vpb", "viet nam thinh vuong"}},
	{"970423", "TPBank", []string{"tpbank", "tp bank", "tpb", "tien phong"}},
	{"970403", "Sacombank", []string{"sacombank", "sacom", "stb", "sai gon thuong tin"}},
	{"970437", "HDBank", []string{"hdbank", "hd bank", "hdb", "phat trien thanh pho ho chi minh", "phat trien tp.hcm", "phat trien tp hcm"}},
	{"970441", "VIB", []string{"vib", "ngan hang quoc te", "tmcp quoc te"}},
	{"970443", "SHB", []string{"shb", "sai gon ha noi", "sai gon - ha noi"}},
	{"970431", "Eximbank", []string{"eximbank", "exim bank", "eib", "xuat nhap khau"}},
	{"970426", "MSB", []string{"msb", "maritime bank", "hang hai"}},
	{"970448", "OCB", []string{"ocb", "phuong dong"}},
	{"970429", "SCB", []string{"scb"}},
	{"970440", "SeABank", []string{"seabank", "ssb", "dong nam a"}},
	{"970454", "BVBank", []string{"bvbank", "bvb", "viet capital bank", "vietcapitalbank", "ban viet"}},
	{"970449", "LPBank", []string{"lpbank", "lienvietpostbank", "lpb", "lien viet", "loc phat"}},
	{"970428", "Nam A Bank", []string{"nam a bank", "nab", "namabank", "nam a"}},
	{"970425", "ABBANK", []string{"abbank", "ab bank", "abb", "an binh"}},
	{"970412", "PVcomBank", []string{"pvcombank", "dai chung"}},
	{"970409", "Bac A Bank", []string{"bac a bank", "bab", "bacabank", "bac a"}},
	{"970419", "NCB", []string{"ncb", "quoc dan"}},
	{"970400", "Saigonbank", []string{"saigonbank", "sai gon cong thuong"}},
	{"970438", "BaoViet Bank", []string{"baovietbank", "baoviet bank", "bao viet"}},
	{"970433", "VietBank", []string{"vietbank", "viet nam thuong tin"}},
	{"970430", "PGBank", []string{"pgbank", "pg bank", "thinh vuong va phat trien"}},
	{"970427", "VietABank", []string{"vietabank", "vab", "viet a bank", "viet a"}},
	{"970452", "KienlongBank", []string{"kienlongbank", "klb", "kien long"}},
	{"970406", "Vikki Bank", []string{"vikki", "dongabank", "dong a bank", "dong a"}},
	{"970414", "MBV", []string{"mbv", "oceanbank", "dai duong"}},
	{"970408", "GPBank", []string{"gpbank", "gp bank"}},
	{"970444", "VCBNeo", []string{"vcbneo", "cbbank", "cb bank"}},
	{"970442", "Hong Leong Bank Vietnam", []string{"hong leong", "hongleong"}},
	{"970457", "Woori Bank Vietnam", []string{"woori"}},
	{"970424", "Shinhan Bank Vietnam", []string{"shinhan"}},
	{"970458", "UOB Vietnam", []string{"uob"}},
	{"970434", "Indovina Bank", []string{"indovina", "ivb"}},
	{"970421", "VRB", []string{"vrb", "viet nga"}},
	{"970439", "Public Bank Vietnam", []string{"public bank", "publicbank"}},
	{"458761", "HSBC Vietnam", []string{"hsbc"}},
	{"970410", "Standard Chartered Vietnam", []string{"standard chartered", "scvn"}},
	{"422589", "CIMB Vietnam", []string{"cimb"}},
	{"970446", "Co-opBank", []string{"co-opbank", "coopbank"}},
	{"668888", "KBank", []string{"kbank", "kasikornbank"}},
	{"533948", "Citibank Vietnam", []string{"citibank"}},
	{"796500", "DBS Vietnam", []string{"dbs"}},
	{"801011", "Nonghyup Vietnam", []string{"nonghyup"}},
	{"999888", "VBSP", []string{"vbsp", "chinh sach xa hoi"}},
	{"546034", "CAKE by VPBank", []string{"cake", "cake by vpbank", "vpbank cake"}},
	{"546035", "Ubank by VPBank", []string{"ubank", "ubank by vpbank", "vpbank ubank"}},
	{"963388", "Timo", []string{"timo"}},
	{"971005", "Viettel Money", []string{"viettel money", "viettelmoney"}},
	{"971011", "VNPT Money", []string{"vnpt money", "vnptmoney"}},
	{"971025", "MoMo", []string{"momo"}},
}

func bankOf(bin string) string {
	for i := range banks {
		if banks[i].bin == bin {
			return banks[i].title
		}
	}
	return ""
}
