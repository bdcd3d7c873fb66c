package subject

import (
	"strings"
	"sync"
)

// bankTable has the members of NAPAS with the numbers (BIN) that payment codes have (NAPAS, "List of member
// organisations, transfers by QR code"), a line each: the number, the name for people, and what else they write,
// without accents and blanks. What has a tilde in front is a word of other things too, and what has a plus sign is a
// code that payment links have and people don't write.
const bankTable = `970436 Vietcombank:vcb,vietcom,~ngoaithuong,vcbdigibank
970415 VietinBank:vietin,viettin,viettinbank,ctg,icb,~congthuong
970418 BIDV:dautuvaphattrien,dautuphattrien
970405 Agribank:agri,vbard,vba,~nongnghiep,nongnghiepvaphattriennongthon
970422 MB Bank:mb,mbb,~quandoi
970407 Techcombank:tcb,techcom,~kythuong,techcombanking
970416 ACB:acbbank,~achau
970432 VPBank:vpb,vietnamthinhvuong
970423 TPBank:tpb,~tienphong
970403 Sacombank:sacom,stb,scm,saigonthuongtin
970437 HDBank:hdb,phattrienthanhphohochiminh,phattrientphcm,phattrientphochiminh
970441 VIB:vibbank,nganhangquocte,nganhangtmcpquocte,tmcpquocte
970443 SHB:shbbank,saigonhanoi
970431 Eximbank:exim,eib,~xuatnhapkhau
970426 MSB:msbbank,maritimebank,maritime,tnex,tnexbymsb,~hanghai
970448 OCB:ocbbank,~phuongdong
970429 SCB:scbbank
970440 SeABank:ssb,+seab,dongnama
970454 BVBank:vietcapitalbank,vietcapital,vccb,~banviet
970449 LPBank:lpb,lienvietpostbank,lienvietpost,lienviet,lvb,lvpb,buudienlienviet,locphat
970428 Nam A Bank:nab,~nama
970425 ABBANK:abb,~anbinh
970412 PVcomBank:pvcom,pvcb,~daichung
970409 Bac A Bank:bab,~baca,nasb
970419 NCB:ncbbank,~quocdan
970400 Saigonbank:sgicb,sgb,saigoncongthuong
970438 BaoViet Bank:+bvb,baoviet
970433 VietBank:vietnamthuongtin
970430 PGBank:pgb,thinhvuongvaphattrien,xangdaupetrolimex
970427 VietABank:vab,~vieta
970452 KienlongBank:klb,kienlong
970406 Vikki Bank:vikki,vikkibank,dongabank,dob,dab,~donga
970414 MBV:mbvbank,oceanbank,ojb,vietnamhiendai,~daiduong
970408 GPBank:gpb,daukhitoancau
970444 VCBNeo:vcbneobank,cbbank,cbb,xaydungvietnam,ngoaithuongcongnghe
970442 Hong Leong Bank Vietnam:hongleong,hongleongbank,hlbvn,hlb
970457 Woori Bank Vietnam:woori,wooribank,wvn
970424 Shinhan Bank Vietnam:shinhan,shinhanbank,shbvn,svb
970458 UOB Vietnam:uob,uobbank,unitedoverseas
970434 Indovina Bank:indovina,ivb
970421 VRB:vrbbank,vietnga
970439 Public Bank Vietnam:publicbank,pbvn,pbvnbank
458761 HSBC Vietnam:hsbc,hsbcbank
970410 Standard Chartered Vietnam:standardchartered,standardcharteredbank,scvn
422589 CIMB Vietnam:cimb,cimbbank
970446 Co-opBank:coopbank,hoptacxa
970455 IBK Hanoi:ibkhn,ibkhanoi
970456 IBK Ho Chi Minh City:ibkhcm
970462 Kookmin Bank Hanoi:kookminhn,kookminhanoi,kbhn
970463 Kookmin Bank Ho Chi Minh City:kookminhcm,kbhcm
970466 KEB Hana Ho Chi Minh City:kebhanahcm
970467 KEB Hana Hanoi:kebhanahn,kebhanahanoi
668888 KBank:kasikornbank,kasikorn
533948 Citibank Vietnam:citibank
796500 DBS Vietnam:dbs,dbsbank
801011 Nonghyup Vietnam:nonghyup,nhbhn
999888 VBSP:chinhsachxahoi
977777 MAFC:miraeasset
546034 CAKE by VPBank:~cake,vpbankcake,cakevpbank,cakebank,nganhangsocake
546035 Ubank by VPBank:ubank,vpbankubank
963388 Timo:~timo,timobank,timobybvbank,timobybanvietbank
963369 Liobank:liobankbyocb,liobyocb
971005 Viettel Money:vtlmoney,viettelpay
971011 VNPT Money:vnptpay
971133 PVcomBank Pay:pvdb,pvcombankpay
971025 MoMo:vimomo,momopay
`

// bank is one of them.
type bank struct{ bin, title string }

// bankName is what a name stands for.
type bankName struct {
	bank *bank
	weak bool // a word of other things, too
	code bool // of payment links alone
}

var bankNames = sync.OnceValue(func() map[string]bankName {
	names := map[string]bankName{}
	for line := range strings.Lines(bankTable) {
		bin, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		title, others, _ := strings.Cut(rest, ":")
		b := &bank{bin, title}
		names[bin] = bankName{bank: b, code: true}
		names[squeezed(title)] = bankName{bank: b}
		for name := range strings.SplitSeq(others, ",") {
			names[strings.TrimLeft(name, "~+")] = bankName{b, name != "" && name[0] == '~', name != "" && name[0] == '+'}
		}
	}
	return names
})

// bankOf is what people call the bank of a number, or "".
func bankOf(bin string) string {
	if b := bankNames()[bin].bank; b != nil {
		return b.title
	}
	return ""
}

// binOf is the number of a bank by what a payment link calls it: its number, its code or its name; "" if it is none.
func binOf(text string) string {
	if len(text) == 6 && digits(text) {
		return text
	}
	if b := bankNames()[squeezed(text)].bank; b != nil && len(text) <= 64 {
		return b.bin
	}
	return ""
}

// squeezed are the letters and digits of a name, without accents, in lower case.
func squeezed(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, unaccented(text))
}

// isWallet tells the wallets whose accounts are the telephone number, as it is dialled in Vietnam.
func isWallet(bin string) bool { return bin == "971005" || bin == "971011" || bin == "971025" }
