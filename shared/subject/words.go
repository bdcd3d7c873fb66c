package subject

import (
	"strings"
	"sync"
)

// What a word in a text says about the number or the name behind it.
const (
	isAccount   = 'a' // the number of an account
	isPhone     = 'p' // a telephone number
	isContent   = 'c' // what is to be written into the transfer
	isMoney     = 'm' // a sum
	isPurpose   = 'u' // what an account is for, behind a word for one; else a sum
	isOther     = 'i' // some other number: of a person, a firm, an order, a card
	isOtherNext = 'j' // the same, if the number follows at once
	isHolder    = 'h' // a name
	isTransfer  = 't' // that money is sent
	isInto      = 'v' // to where; a bank may follow
	isFrom      = 'f' // from where
	isBankWord  = 'g' // that the name of a bank follows
	isLink      = 'l' // what people write between a network's or a number's name and it
	isPolish    = 'z' // nothing but that the text is Polish
	isNetwork   = 'n' // a network, behind which a name stands
)

// wordTable are these words, without accents and blanks, and of networks the address of an account. What stands behind
// "pl:" is of Polish texts.
const wordTable = `a stk sotk tk tknh sotaikhoan taikhoan sotaikhoannganhang taikhoannganhang acc accno account accountno accountnumber bankaccount acct acctno
a pl:konto nrkonta numerkonta rachunek nrrachunku numerrachunku kontobankowe nrb iban
p sdt sodt dt sodienthoai dienthoai dtdd didong hotline tongdai goi goingay lh lienhe call sms phone phonenumber mobile cell telephone contact alo
p pl:tel telefon telefonu nrtel nrtelefonu numertelefonu kom komorka infolinia zadzwon dzwon dzwonic kontakt
c noidung nd noidungck noidungchuyenkhoan ndck noidungchuyentien loinhan ghichu diengiai cuphap memo content message msg description remark
c pl:tytul tytulem tytulprzelewu dopisek
m sotien gia giaban tong tongcong tongtien thanhtien amount total price sum sodu conno duno sono tienno
u tien phi coc datcoc tiencoc fee deposit usd vnd eur
m pl:kwota cena suma oplata doplata pln
i cccd cmnd cmt cmtnd cancuoc cancuoccongdan chungminh chungminhnhandan hochieu passport socccd socmnd mst masothue masodoanhnghiep msdn gpkd dkkd bhxh bhyt
i gd otp maotp maxacnhan maxacthuc magd magiaodich sogd sogiaodich madon madonhang sodonhang donhang order orderid orderno ordernumber makhachhang makh mavandon
i vandon hoadon mahoadon invoice ref reference trace sothe sothetindung thetindung theatm cardnumber cardno card serial imei bienso mapin pin cvv sohopdong hopdong
i mahopdong hoso mahoso sohoso mahs ticket tracking booking taxcode taxid code mathe
i gplx banglai giaypheplaixe manv manhanvien masonhanvien cif socif sothamchieu mathamchieu mabaomat makichhoat magioithieu mavoucher maduthuong citad macitad
i pl:nip regon pesel krs dowod nrdowodu zamowienie zamowienia nrzamowienia numerzamowienia faktura faktury przesylka przesylki paczka paczki nrref kod kodblik
i pl:nrklienta numerklienta nrkarty karta karty umowa umowy nrumowy sprawa sygnatura
j ma id code matkhau password bill mabill seri soseri hdso sohd
h chutk chutaikhoan ctk tentk tentaikhoan tenchutk tenchutaikhoan nguoinhan tennguoinhan accountname holder beneficiary nguoithuhuong nguoihuong hoten
h pl:odbiorca odbiorcy
t ck chuyen chuyenkhoan chuyentien gui guitien nhantien noptien nopphi dongtien nap naptien thanhtoan tra tratien transfer send pay
t pl:przelew przelej przelac wplac zaplac
v vao qua toi den sang cho to into na do via bang
f tu from z
g nh nganhang nganhangtmcp tmcp nhtmcp bank banks tainganhang nganhangthuongmaicophan thuongmaicophan nganhangtnhhmtv tnhhmtv vi videntu
l maqr trung cung chinh luon dongthoi kiem so no nr numer number la cua toi minh em anh chi ban nick nickname ten user username name is my me acc kenh channel page nhom group trang lien he the at add ket ban o tren on chat ib inbox
z pl:zlotych prosze dziekuje jest mnie moj numeru nie oraz twoja twoje allegro olx inpost vinted blik dostawa wiadomosc
n https://t.me/ telegram tele tlgr tlg tg telegr
n https://www.instagram.com/ instagram insta ins ig
n https://www.facebook.com/ facebook fb face fbook fanpage messenger mess
n https://www.tiktok.com/@ tiktok tik toptop
n https://www.youtube.com/@ youtube yt ytb
n https://x.com/ x twitter
n https://www.threads.com/@ threads thread
n https://zalo.me/ zalo
n https://www.snapchat.com/add/ snapchat snap
n https://www.twitch.tv/ twitch
n https://www.linkedin.com/in/ linkedin
n https://www.pinterest.com/ pinterest
n tel: viber whatsapp whatsap wa wechat imessage signal
`

// phrase is what one or several words in a row say.
type phrase struct {
	says    byte
	polish  bool
	bank    bankName
	network string
}

// words are all of them; of each, the first letters are there too, so that most words of a text are left soon.
var words = sync.OnceValue(func() map[string]phrase {
	all := map[string]phrase{}
	for line := range strings.Lines(wordTable) {
		fields := strings.Fields(line)
		w := phrase{says: fields[0][0]}
		names := fields[1:]
		if w.says == isNetwork {
			w.network, names = names[0], names[1:]
		}
		for _, name := range names {
			plain, polish := strings.CutPrefix(name, "pl:")
			w.polish = w.polish || polish
			if _, taken := all[plain]; !taken {
				all[plain] = w
			}
		}
	}
	for name, b := range bankNames() {
		if !b.code && name != "" {
			all[name] = phrase{says: isBankName, bank: b}
		}
	}
	for name := range all {
		if len(name) > fewLetters {
			if _, ok := all[name[:fewLetters]]; !ok {
				all[name[:fewLetters]] = phrase{}
			}
		}
	}
	return all
})

const fewLetters = 3

const isBankName = 'b'

// maxWord is the longest name of these in bytes, and maxWordsInName of how many words it is at most.
const (
	maxWord        = 40
	maxWordsInName = 8
)

// isUnit tells what stands behind a sum of money.
func isUnit(plain string) bool {
	switch plain {
	case "d", "dong", "vnd", "k", "tr", "trieu", "ty", "ti", "nghin", "ngan", "ng", "cu", "usd", "usdt", "eur", "euro", "zl", "zlotych", "pln", "xu", "coin", "$", "€", "₫", "đ":
		return true
	}
	return false
}
